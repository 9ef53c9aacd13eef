/** How often a JSON text has each of the names that decide how it is read, as a member's or a text; none is counted beyond {@link MANY}. */
export interface Mentions {
  readonly usage: number
  /** Of what may stand beside a `usage`. */
  readonly besideUsage: number
  readonly error: number
}

/**
 * Looks for all of the names in one pass, which takes as long as looking for one of them.
 * @param text in any encoding that has ASCII as it is
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
/** Text that is made to have many is taken to have many of each. */
const MANY = 16
