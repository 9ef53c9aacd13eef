import { findLastMember } from './json-members.ts'

/**
 * The number of times that a JSON text contains each of the names that decide how it is read; counted up to {@link
 * MANY}.
 */
export interface Mentions {
  readonly usage: number
  /** Names of members that may stand beside a `usage`. */
  readonly besideUsage: number
  readonly error: number
}

/**
 * Counts all names in one pass, which takes as long as searching for one of them.
 * @param text in any encoding that is a superset of ASCII
 */
export function mentionsIn(text: string): Mentions {
  let usage = 0
  let besideUsage = 0
  let error = 0
  NAMES.lastIndex = 0
  for (let found = 0; found < MANY; found++) {
    const name = NAMES.exec(text)?.[1]
    if (name === undefined) return { usage, besideUsage, error }
    if (name === 'usage') usage++
    else if (name === 'error' || name === '__type') error++
    else besideUsage++
  }
  return { usage: MANY, besideUsage: MANY, error: MANY }
}

/** `__type` is AWS's name for the type of an exception. */
const NAMES = /"(usage|error|tool_usage|usage_breakdown|__type)"/g
/** A text with this many is treated as having many of each: bounds the time for hostile input. */
const MANY = 16

/**
 * Returns whether a document may contain an error: it mentions one that is not just the `"error":null` of complete
 * responses.
 */
export function mayHoldError(json: Buffer, mentions: Mentions = mentionsIn(json.toString('latin1'))): boolean {
  if (mentions.error !== 1) return mentions.error > 1
  const member = findLastMember(json, 'error', 1)
  return member === undefined || json[member.valueStart] !== LETTER_N
}

const LETTER_N = 0x6e
