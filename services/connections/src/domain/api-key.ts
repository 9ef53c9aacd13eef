import type { ApiKeyInput, ApiKeyView, ProjectedApiKey } from '@sluice/contracts'

/** An application's key as it is stored: its hash, never the key. */
export interface ApiKey {
  readonly id: string
  readonly name: string
  /** SHA-256 of the key, lower-case hex. */
  readonly hash: string
  /** `*`, or ids of connections. */
  readonly connections: ApiKeyInput['connections']
  /** Absent: it does not expire. */
  readonly expiresAt?: Date
  readonly createdAt: Date
}

/** The key as it is answered, and as the audit log keeps it. */
export function toApiKeyView({ id, name, connections, expiresAt, createdAt }: ApiKey): ApiKeyView {
  return {
    id,
    name,
    connections,
    ...(expiresAt === undefined ? {} : { expiresAt: expiresAt.toISOString() }),
    createdAt: createdAt.toISOString(),
  }
}

/** The key as gateways see it. */
export function toApiKeyProjection({ id, name, connections, expiresAt }: ApiKey): ProjectedApiKey {
  return { id, name, connections, ...(expiresAt === undefined ? {} : { expiresAtMs: expiresAt.getTime() }) }
}
