import { isDeepStrictEqual } from 'node:util'
import type { ApiKey } from './api-keys/api-key.ts'
import type { Connection } from './connections/connection.ts'

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
 * Whether a connection that is changed so may be used less than before, or otherwise than it was. Every change counts, and so will one of a
 * field that is new, except those that only describe, and those that only allow more. Under its old name a renamed connection cannot be used.
 */
export function takesAwayFromConnection(before: Connection, after: Connection): boolean {
  const fields = new Set([...Object.keys(before), ...Object.keys(after)]) as Set<keyof Connection>
  for (const field of fields) {
    if (isDeepStrictEqual(before[field], after[field])) continue
    if (!(ALLOWS_NO_LESS[field]?.(before, after) ?? false)) return true
  }
  return false
}

const always = () => true

/** For the fields that may be changed without taking away: whether this change of the field does not. */
const ALLOWS_NO_LESS: { readonly [Field in keyof Connection]?: (before: Connection, after: Connection) => boolean } = {
  description: always,
  version: always,
  createdAt: always,
  updatedAt: always,
  enabled: (_, after) => after.enabled,
  allowAdministration: (_, after) => after.allowAdministration,
  requestStreamUsage: always,
  enforceDiscovered: (_, after) => !after.enforceDiscovered,
  onCapacityUnavailable: (_, after) => after.onCapacityUnavailable === 'allow',
  // A fault that was noted of the same version, or its hint.
  credential: (before, after) => before.credential?.version === after.credential?.version,
  allowedModels: (before, after) =>
    after.allowedModels === undefined ||
    (before.allowedModels !== undefined && !isAnyMissing(before.allowedModels, after.allowedModels)),
}

function isAnyMissing(before: readonly string[], after: readonly string[]): boolean {
  const kept = new Set(after)
  return before.some((each) => !kept.has(each))
}

const FOR_EVER = Number.POSITIVE_INFINITY
