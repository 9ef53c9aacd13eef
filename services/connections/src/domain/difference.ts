import { isDeepStrictEqual } from 'node:util'
import type { FieldChange } from '@sluice/contracts'

/**
 * What is different between two views of one thing, one entry a field, by name. What counts or dates every change tells nothing of
 * this one and is left out.
 */
export function difference(before: object | undefined, after: object | undefined): FieldChange[] {
  const old = new Map<string, unknown>(Object.entries(before ?? {}))
  const fresh = new Map<string, unknown>(Object.entries(after ?? {}))
  return [...new Set([...old.keys(), ...fresh.keys()])]
    .filter((field) => !BOOKKEEPING.has(field) && !isDeepStrictEqual(old.get(field), fresh.get(field)))
    .toSorted()
    .map((field) => ({
      field,
      ...(old.has(field) ? { before: old.get(field) } : {}),
      ...(fresh.has(field) ? { after: fresh.get(field) } : {}),
    }))
}

const BOOKKEEPING: ReadonlySet<string> = new Set(['version', 'updatedAt', 'lastUsedAt'])
