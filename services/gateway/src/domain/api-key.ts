import type { ProjectedApiKey } from '@sluice/contracts'

/** An application's key, ready to be asked. */
export interface ApiKey {
  readonly id: string
  /** SHA-256 of the key, in lower-case hex. */
  readonly hash: string
  /** Unix milliseconds; from this instant on it is not valid. Absent: it does not expire. */
  readonly expiresAtMs?: number
  /** Whether it may use this connection. */
  allows(connectionId: string): boolean
}

export function prepareApiKey(hash: string, { id, connections, expiresAtMs }: ProjectedApiKey): ApiKey {
  const allowed = connections === '*' ? undefined : new Set(connections)
  return {
    id,
    hash,
    ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
    allows: (connectionId) => allowed?.has(connectionId) ?? true,
  }
}
