/**
 * Returns how many characters a secret has in common with every key of its kind, such as `sk-proj-`, `sk-ant-api03-` or `AIzaSy`; 0 where
 * too little would be left.
 */
export function publicPrefixLength(secret: string): number {
  const length = PUBLIC_PREFIX.exec(secret)?.[0].length ?? 0
  return secret.length - length < MIN_RUN_CHARS ? 0 : length
}

/**
 * Returns whether `text`, a secret or a run of its characters, stands in no other text by chance, so that it can be taken out wherever it
 * is found: nine characters in which letters and digits, or lower and upper case, take turns at least twice, twelve in which they do once,
 * or any sixteen. Words and numbers do not: `placeholder` or `0123456789` may be part of a secret, and are part of what models write.
 *
 * Of random keys, about 95 in 100 runs of nine characters count, and nearly all of eleven. A given place of a random text of letters and
 * digits has a given nine with a probability of 62⁻⁹ = 7 · 10⁻¹⁷; a key of 51 characters has 43 of them, so that a thousand million
 * characters have one with 3 in a million. A key of hexadecimal digits has one in one of 30 million hashes of 64 digits.
 */
export function isDistinctive(text: string): boolean {
  if (text.length < MIN_RUN_CHARS) return false
  const turns = turnsIn(text)
  const leastChars = turns >= 2 ? MIN_RUN_CHARS : turns === 1 ? MIN_CHARS_OF_ONE_TURN : MIN_CHARS
  return text.length >= leastChars && new Set(text).size >= MIN_DIFFERENT_CHARS
}

/** Providers show up to eight characters of a wrong key on purpose, so that its owner knows which it is. */
export const MIN_RUN_CHARS = 9
const MIN_CHARS_OF_ONE_TURN = 12
const MIN_CHARS = 16
/** A line of hyphens is no secret. */
const MIN_DIFFERENT_CHARS = 5

const PUBLIC_PREFIX =
  /^(?:AIza(?:Sy)?|A[KS]IA|sk-(?:proj-|svcacct-|admin-|or-v1-|ant-(?:[a-z]+\d\d-)?)?|(?:gsk|xai|hf|r8|pplx|nvapi|csk|fw)[-_])/

/** How often a text goes from letters to digits or back, or from lower case to upper case; signs in between do not matter. */
function turnsIn(text: string): number {
  let turns = 0
  let before = ''
  for (const char of text) {
    const kind = kindOf(char)
    if (kind === '') continue
    // A capital before small letters begins a word.
    if (before !== '' && kind !== before && !(before === 'upper' && kind === 'lower')) turns++
    before = kind
  }
  return turns
}

function kindOf(char: string): 'lower' | 'upper' | 'digit' | '' {
  if (char >= 'a' && char <= 'z') return 'lower'
  if (char >= 'A' && char <= 'Z') return 'upper'
  return char >= '0' && char <= '9' ? 'digit' : ''
}
