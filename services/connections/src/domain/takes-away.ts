import { isDeepStrictEqual } from 'node:util'
import type { ApiKey } from './api-key.ts'
import type { Connection } from './connection.ts'

/** Whether a key that is changed so may do less than before: what is taken away travels first. */
export function takesAwayFromKey(
  before: Pick<ApiKey, 'connections' | 'expiresAt'>,
  after: Pick<ApiKey, 'connections' | 'expiresAt'>,
): boolean {
  const expiresEarlier = (after.expiresAt?.getTime() ?? FOR_EVER) < (before.expiresAt?.getTime() ?? FOR_EVER)
  if (expiresEarlier) return true
  if (after.connections === '*') return false
  return before.connections === '*' || isAnyMissing(before.connections, after.connections)
}

/**
 * Whether a connection that is changed so may be used less than before, or what it was used with is no longer to be: its credential, or
 * where that is sent.
 */
export function takesAwayFromConnection(before: Connection, after: Connection): boolean {
  if (before.enabled && !after.enabled) return true
  if (before.credential?.version !== after.credential?.version) return true
  if (!isDeepStrictEqual(before.config, after.config)) return true
  if (after.allowedModels === undefined) return false
  return before.allowedModels === undefined || isAnyMissing(before.allowedModels, after.allowedModels)
}

function isAnyMissing(before: readonly string[], after: readonly string[]): boolean {
  const kept = new Set(after)
  return before.some((each) => !kept.has(each))
}

const FOR_EVER = Number.POSITIVE_INFINITY
