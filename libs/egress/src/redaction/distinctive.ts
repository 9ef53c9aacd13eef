/** Decides which parts of a secret may be redacted in any text: those that no other text contains by chance. */

/**
 * Returns whether `text`, a secret or a run of its characters, appears in no other text by chance, so that it can be
 * redacted wherever it is found: nine characters that change at least twice between letters and digits or between lower
 * and upper case, twelve that change once, or any sixteen. Words and numbers do not count: `placeholder` or
 * `0123456789` may be part of a secret, and is part of what models write.
 *
 * Of random keys, about 95 in 100 runs of nine characters count, and nearly all of eleven. A given place of a random
 * text of letters and digits has a given nine with a probability of 62⁻⁹ = 7 · 10⁻¹⁷; a key of 51 characters has 43 of
 * them, so that a thousand million characters have one with 3 in a million. A key of hexadecimal digits has one in one
 * of 30 million hashes of 64 digits.
 */
export function isDistinctive(text: string): boolean {
  if (text.length < MIN_RUN_CHARS) return false
  const changes = changesIn(text)
  const minChars = changes >= 2 ? MIN_RUN_CHARS : changes === 1 ? MIN_CHARS_OF_ONE_CHANGE : MIN_CHARS
  return text.length >= minChars && new Set(text).size >= MIN_DIFFERENT_CHARS
}

/**
 * Returns how many characters a secret shares with every key of its kind, such as `sk-proj-`, `sk-ant-api03-` or
 * `AIzaSy`; 0 where too little would be left.
 */
export function publicPrefixLength(secret: string): number {
  const length = PUBLIC_PREFIX.exec(secret)?.[0].length ?? 0
  return secret.length - length < MIN_RUN_CHARS ? 0 : length
}

/** Providers show up to eight characters of a wrong key on purpose, so that its owner recognizes it. */
export const MIN_RUN_CHARS = 9
const MIN_CHARS_OF_ONE_CHANGE = 12
const MIN_CHARS = 16
/** A line of hyphens is no secret. */
const MIN_DIFFERENT_CHARS = 5

const PUBLIC_PREFIX =
  /^(?:AIza(?:Sy)?|A[KS]IA|sk-(?:proj-|svcacct-|admin-|or-v1-|ant-(?:[a-z]+\d\d-)?)?|(?:gsk|xai|hf|r8|pplx|nvapi|csk|fw)[-_])/

/**
 * Returns how often a text changes between letters and digits, or from lower to upper case; punctuation in between does
 * not matter.
 */
function changesIn(text: string): number {
  let changes = 0
  let before = ''
  for (const char of text) {
    const kind = kindOf(char)
    if (kind === '') continue
    // An upper-case letter before lower-case ones begins a word.
    if (before !== '' && kind !== before && !(before === 'upper' && kind === 'lower')) changes++
    before = kind
  }
  return changes
}

function kindOf(char: string): 'lower' | 'upper' | 'digit' | '' {
  if (char >= 'a' && char <= 'z') return 'lower'
  if (char >= 'A' && char <= 'Z') return 'upper'
  return char >= '0' && char <= '9' ? 'digit' : ''
}
