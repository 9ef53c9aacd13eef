/** Tokens that a text of so many characters counts as. The same rule of thumb on every model keeps tests predictable. */
export function tokensOfChars(chars: number): number {
  return Math.ceil(chars / CHARS_PER_TOKEN)
}

/** Length in tokens of an answer for which nothing else was asked. */
export const DEFAULT_OUTPUT_TOKENS = 16

export interface OutputLength {
  readonly tokens: number
  /** The caller's maximum ended the answer early. */
  readonly cut: boolean
}

/** @param wanted the answer's own length in tokens @param maximum the most that the caller accepts, if stated */
export function outputLength(wanted = DEFAULT_OUTPUT_TOKENS, maximum = Number.POSITIVE_INFINITY): OutputLength {
  return wanted > maximum ? { tokens: maximum, cut: true } : { tokens: wanted, cut: false }
}

const CHARS_PER_TOKEN = 4
