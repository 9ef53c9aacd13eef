import type { ApiKeyInput, ApiKeyPatch, ApiKeyView, ProjectedApiKey } from '@sluice/contracts'

/** An application's key as it is stored: its hash, never the key. */
export interface ApiKey {
  readonly id: string
  readonly name: string
  /** SHA-256 of the key, lower-case hex. */
  readonly hash: string
  /** See {@link apiKeyHint}. */
  readonly hint: string
  /** `*`, or connection ids. The id of a deleted connection allows nothing: ids are never reused. */
  readonly connections: ApiKeyInput['connections']
  /** Absent: it does not expire. */
  readonly expiresAt?: Date
  readonly createdAt: Date
  /** Accurate to about a minute; absent when no use is known. */
  readonly lastUsedAt?: Date
}

/**
 * Returns what may be shown of a key to recognize it: its end, which belongs to the checksum and not to its random
 * bits.
 */
export function apiKeyHint(key: string): string {
  return `…${key.slice(-4)}`
}

/** Returns the key with a valid patch applied; absent fields stay. */
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

type Scope = Pick<ApiKey, 'connections' | 'expiresAt'>

/** Returns whether the key may do less after the change: restrictions are published first. */
export function restrictsApiKey(before: Scope, after: Scope): boolean {
  const expiresEarlier = endMs(after) < endMs(before)
  if (expiresEarlier) return true
  if (after.connections === '*') return false
  if (before.connections === '*') return true
  const remaining = new Set(after.connections)
  return before.connections.some((id) => !remaining.has(id))
}

function endMs({ expiresAt }: Scope): number {
  return expiresAt === undefined ? Number.POSITIVE_INFINITY : expiresAt.getTime()
}

/** Returns the key as the API shows it and the audit log records it. */
export function toApiKeyView({ id, name, hint, connections, expiresAt, createdAt, lastUsedAt }: ApiKey): ApiKeyView {
  return {
    id,
    name,
    hint,
    connections,
    ...(expiresAt === undefined ? {} : { expiresAt: expiresAt.toISOString() }),
    createdAt: createdAt.toISOString(),
    ...(lastUsedAt === undefined ? {} : { lastUsedAt: lastUsedAt.toISOString() }),
  }
}

/** Returns the key as gateways see it. */
export function toApiKeyProjection({ id, name, connections, expiresAt }: ApiKey): ProjectedApiKey {
  return { id, name, connections, ...(expiresAt === undefined ? {} : { expiresAtMs: expiresAt.getTime() }) }
}
