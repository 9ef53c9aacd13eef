/**
 * Patterns for what an error quotes of a secret: the whole of a short one after words that announce it, and the short
 * beginning and end of a masked one.
 */

/** Escapes `text` for use in a regular expression. */
function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
}

/**
 * Returns a pattern that finds `secret` as a word of its own, plain or escaped for a URL or JSON, after words that
 * announce it, as in `Incorrect API key provided: none`. For secrets that are part of other words by chance, such as
 * the `none` of a server that needs no key. The announcement is the first group. It runs in linear time.
 */
export function announcedSecret(secret: string): RegExp {
  const spellings = new Set([secret, encodeURIComponent(secret.toWellFormed()), JSON.stringify(secret).slice(1, -1)])
  return new RegExp(`(${ANNOUNCEMENT})(?:${[...spellings].map(escaped).join('|')})(?![\\w-])`, 'gi')
}

const SECRET_NAME =
  '(?<!\\w)(?:(?:x-)?(?:goog-)?api[-_ ]?key|(?:api|access|auth)[-_ ]?token|bearer|credentials?|password)'
const NAMED = `${SECRET_NAME}(?:\\s(?:provided|given|supplied|used|sent|received|is|was)){0,2}`
/** May be the name of something else, unless a value follows. */
const PARAMETER = '(?<!\\w)(?:key|token)(?:\\s(?:provided|given)|(?=\\\\{0,3}["\'`]?\\s?[:=]))'
const QUOTE = '(?:\\\\{0,3}["\'`(<])?'
/** The secret's name, a colon or an equals sign, and quotes, which may be escaped. */
const ANNOUNCEMENT = `(?:${NAMED}|${PARAMETER})${QUOTE}\\s?[:=]?\\s?${QUOTE}(?<![\\w-])`

/**
 * Returns a pattern that finds a mask with the beginning of `secret` before it or its end after it, as in
 * `sk-upst****ream`, and its end where the text says that it is one. It runs in linear time.
 * @param secret at least {@link MIN_MASKED_CHARS} long
 */
export function maskedSecret(secret: string): RegExp {
  const lengths = Array.from({ length: MAX_SHOWN_CHARS }, (_, index) => MAX_SHOWN_CHARS - index)
  const starts = lengths.filter((length) => length >= MIN_START_CHARS).map((length) => escaped(secret.slice(0, length)))
  const ends = lengths.filter((length) => length >= MIN_END_CHARS).map((length) => escaped(secret.slice(-length)))
  const start = `(?:${starts.join('|')})`
  const end = `(?:${ends.join('|')})`
  return new RegExp(`${start}${MASK}${end}?|${MASK}${end}|(?<=\\bend(?:s|ing) (?:in|with) ["'\`]?)${end}`, 'gi')
}

/** Parts of a shorter secret may be part of any text. */
export const MIN_MASKED_CHARS = 8
const MAX_SHOWN_CHARS = 16
const MIN_START_CHARS = 3
const MIN_END_CHARS = 2
/** Asterisks, dots, an ellipsis or bullets (as text, as UTF-8 read as Latin-1, and as JSON escapes them), or x's. */
const MASK =
  '(?:\\*{2,80}|\\.{3,80}|(?:\u2026|\xe2\x80\xa6|\\\\u2026){1,80}|(?:\u2022|\xe2\x80\xa2|\\\\u2022){1,80}|x{4,80})'
