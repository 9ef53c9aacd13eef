import type { Logger } from '@sluice/service-kit'
import type { ConnectionRules } from '../domain/validate-connection.ts'
import type { ApiKeyStore } from '../ports/api-key-store.ts'
import type { AuditLog } from '../ports/audit-log.ts'
import type { ConnectionStore } from '../ports/connection-store.ts'
import type { CredentialHistory } from '../ports/credential-history.ts'
import type { Envelopes } from '../ports/envelopes.ts'
import type { OperatorTokenStore } from '../ports/operator-token-store.ts'
import type { ProviderProbe } from '../ports/provider-probe.ts'
import type { SealedBoxes } from '../ports/sealed-boxes.ts'
import type { SealingKey } from '../ports/sealing-key.ts'
import type { SessionStore } from '../ports/session-store.ts'
import type { CredentialFaultChange } from './note-credential-status.ts'

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
