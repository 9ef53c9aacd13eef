/**
 * Finds `secret` in a provider's words as a word of its own, where the words before it say that it is one, as in `Incorrect API key
 * provided: none`. For secrets that are part of other words by chance, such as the `none` of a server that asks for no key. What comes
 * before it is the first group.
 */
export function announcedSecret(secret: string): RegExp {
  return new RegExp(`(${ANNOUNCEMENT})${quotedInPattern(secret)}(?![\\w-])`, 'gi')
}

/** Returns a pattern that matches `text` as it is. */
export function quotedInPattern(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
}

const SECRET_NAME =
  '(?<!\\w)(?:(?:x-)?(?:goog-)?api[-_ ]?key|(?:api|access|auth)[-_ ]?token|bearer|credentials?|password)'
const NAMED = `${SECRET_NAME}(?:\\s(?:provided|given|supplied|used|sent|received|is|was)){0,2}`
/** What may be the key of something else, unless a value follows. */
const PARAMETER = '(?<!\\w)(?:key|token)(?:\\s(?:provided|given)|(?=\\\\{0,3}["\'`]?\\s?[:=]))'
const QUOTE = '(?:\\\\{0,3}["\'`(<])?'
/** The secret's name, a colon or an equals sign, and quotes, which may be escaped. Bounded throughout: it never takes long. */
const ANNOUNCEMENT = `(?:${NAMED}|${PARAMETER})${QUOTE}\\s?[:=]?\\s?${QUOTE}(?<![\\w-])`
