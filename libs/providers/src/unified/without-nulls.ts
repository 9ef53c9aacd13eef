import { isRecord } from '../wire/is-record.ts'

/**
 * A request's body without the members that are null: OpenAI's API takes those as not given, and its SDKs send them where an application
 * hands back an answer as it came. Null stays where it says something of its own: as the content of a message, in an array, and in what
 * is not OpenAI's to understand, such as a JSON schema. The same object where there is none.
 */
export function withoutNulls(body: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return recordWithout(body, 0)
}

/** Of objects and arrays in each other: a call's function, of a message's calls, of the messages, is the deepest that has parameters. */
const MAX_DEPTH = 5

/** What a caller or a provider makes up, and OpenAI's API passes on. */
const OPAQUE: ReadonlySet<string> = new Set([
  'extra_content',
  'metadata',
  'parameters',
  'parsed',
  'parsed_arguments',
  'schema',
])

function recordWithout(record: Readonly<Record<string, unknown>>, depth: number): Readonly<Record<string, unknown>> {
  let changed: Map<string, unknown> | undefined
  for (const [name, value] of Object.entries(record)) {
    const kept = OPAQUE.has(name) ? value : valueWithout(value, depth)
    if (kept === value && !isNotGiven(name, value)) continue
    changed ??= new Map(Object.entries(record))
    if (kept === null) changed.delete(name)
    else changed.set(name, kept)
  }
  return changed === undefined ? record : Object.fromEntries(changed)
}

function isNotGiven(name: string, value: unknown): boolean {
  return value === null && name !== 'content'
}

function valueWithout(value: unknown, depth: number): unknown {
  if (depth === MAX_DEPTH) return value
  if (isRecord(value)) return recordWithout(value, depth + 1)
  return Array.isArray(value) ? arrayWithout(value, depth + 1) : value
}

function arrayWithout(items: readonly unknown[], depth: number): readonly unknown[] {
  let changed: unknown[] | undefined
  for (const [index, item] of items.entries()) {
    const kept = valueWithout(item, depth)
    if (kept === item) continue
    changed ??= [...items]
    changed[index] = kept
  }
  return changed ?? items
}
