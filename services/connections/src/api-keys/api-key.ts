import type { ApiKeyInput, ApiKeyPatch, ApiKeyView, ProjectedApiKey } from '@sluice/contracts'

/** An application's key as it is stored: its hash, never the key. */
export interface ApiKey {
  readonly id: string
  readonly name: string
  /** SHA-256 of the key, lower-case hex. */
  readonly hash: string
  /** See {@link apiKeyHint}. Absent for keys made before it was kept. */
  readonly hint?: string
  /** `*`, or ids of connections. An id outlives its connection and then opens nothing: ids are never given twice. */
  readonly connections: ApiKeyInput['connections']
  /** Absent: it does not expire. */
  readonly expiresAt?: Date
  readonly createdAt: Date
  /** To a minute or so; absent where no use is known. */
  readonly lastUsedAt?: Date
}

/** What may be shown of a key so that it can be told from others: its end, which is checksum and no part of its random bits. */
export function apiKeyHint(key: string): string {
  return `…${key.slice(-4)}`
}

/** The key with the changes of `patch`, which are valid; what is absent stays. */
export function changedApiKey(key: ApiKey, { name, connections, expiresAt }: ApiKeyPatch): ApiKey {
  const { expiresAt: before, ...rest } = key
  const after = expiresAt === undefined ? before : expiresAt === null ? undefined : new Date(expiresAt)
  return {
    ...rest,
    name: name ?? key.name,
    connections: connections ?? key.connections,
    ...(after === undefined ? {} : { expiresAt: after }),
  }
}

/** The key as it is answered, and as the audit log keeps it. */
export function toApiKeyView({ id, name, hint, connections, expiresAt, createdAt, lastUsedAt }: ApiKey): ApiKeyView {
  return {
    id,
    name,
    ...(hint === undefined ? {} : { hint }),
    connections,
    ...(expiresAt === undefined ? {} : { expiresAt: expiresAt.toISOString() }),
    createdAt: createdAt.toISOString(),
    ...(lastUsedAt === undefined ? {} : { lastUsedAt: lastUsedAt.toISOString() }),
  }
}

/** The key as gateways see it. */
export function toApiKeyProjection({ id, name, connections, expiresAt }: ApiKey): ProjectedApiKey {
  return { id, name, connections, ...(expiresAt === undefined ? {} : { expiresAtMs: expiresAt.getTime() }) }
}
