import type { Logger } from '@sluice/service-kit'
import type { ApiKeyStore } from './api-keys/api-key-store.ts'
import type { AuditLog } from './audit/audit-log.ts'
import type { ConnectionRules } from './connections/connection-documents.ts'
import type { ConnectionStore } from './connections/connection-store.ts'
import type { CredentialHistory } from './credentials/credential-history.ts'
import type { CredentialFaultChange } from './credentials/credential-status.ts'
import type { Envelopes } from './keys/envelopes.ts'
import type { SealingKey } from './keys/sealing-key.ts'
import type { SealedBoxes } from './keys/sodium.ts'
import type { OperatorTokenStore } from './operators/operator-token-store.ts'
import type { SessionStore } from './operators/session-store.ts'
import type { ProviderProbe } from './probes/probe.ts'

/** What the service's operations work with. */
export interface ApplicationDeps {
  readonly connections: ConnectionStore
  readonly credentialHistory: CredentialHistory
  readonly apiKeys: ApiKeyStore
  readonly operatorTokens: OperatorTokenStore
  readonly sessions: SessionStore
  readonly auditLog: AuditLog
  readonly envelopes: Envelopes
  readonly sealedBoxes: SealedBoxes
  readonly sealingKey: SealingKey
  readonly providerProbe: ProviderProbe
  readonly rules: ConnectionRules
  /** How long a replaced credential is kept to be rolled back to, in milliseconds. */
  readonly credentialGraceMs: number
  readonly now: () => Date
  /** A new UUID. */
  readonly newId: () => string
  /** Publishes that a credential's fault began or ended. Never rejects: what cannot be published is logged. */
  readonly announceFault: (change: CredentialFaultChange) => Promise<void>
  readonly logger: Logger
}
