/**
 * Encodes an identifier as a NATS subject token or KV key: letters, digits, `-` and `_` stay, every other UTF-8 byte
 * becomes `=XX` (two upper-case hex digits; `=` is allowed in both, and is itself encoded). Distinct identifiers have
 * distinct tokens, and a token contains no `.`, `*`, `>` or white space. Subjects and keys are built with this
 * function only.
 *
 * @throws RangeError for the empty string, which no subject can contain
 * @see https://docs.nats.io/nats-concepts/subjects and ADR-8 (key-value stores) for the allowed characters
 */
export function subjectToken(identifier: string): string {
  if (identifier === '') throw new RangeError('an empty identifier has no subject token')
  if (PLAIN.test(identifier)) return identifier
  let token = ''
  for (const byte of new TextEncoder().encode(identifier)) {
    const char = String.fromCharCode(byte)
    token += PLAIN.test(char) ? char : `=${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return token
}

const PLAIN = /^[A-Za-z0-9_-]+$/

/** Decodes a token made by {@link subjectToken}. Never throws: a malformed escape stays as it is. */
export function fromSubjectToken(token: string): string {
  if (!token.includes('=')) return token
  const bytes: number[] = []
  for (let i = 0; i < token.length; i++) {
    const escaped = token[i] === '=' ? /^[0-9A-F]{2}/.exec(token.slice(i + 1, i + 3)) : null
    if (escaped === null) {
      bytes.push(token.charCodeAt(i))
    } else {
      bytes.push(Number.parseInt(escaped[0], 16))
      i += 2
    }
  }
  return new TextDecoder().decode(Uint8Array.from(bytes))
}

/** Returns the subject to subscribe to: with the `fixed` values for the first identifiers, and `*` for the others. */
export function subjectPattern<Identifiers extends readonly string[]>(
  subject: (...identifiers: Identifiers) => string,
  fixed: readonly string[] = [],
): string {
  const identifiers = Array.from({ length: subject.length }, (_, index) => fixed[index] ?? PLACEHOLDER)
  return subject(...(identifiers as readonly string[] as Identifiers)).replaceAll(PLACEHOLDER, '*')
}

/**
 * Returns a function that reads the identifiers of a subject that matches the definition, in the order of its
 * parameters. That function returns undefined for a subject that is too short to contain them all.
 */
export function subjectIdentifiers<Identifiers extends readonly string[]>(
  subject: (...identifiers: Identifiers) => string,
): (subject: string) => Identifiers | undefined {
  const tokens = subjectPattern(subject).split('.')
  return (text) => {
    const given = text.split('.')
    if (given.length < tokens.length) return undefined
    const identifiers = given.filter((_, index) => tokens[index] === '*').map(fromSubjectToken)
    // There is one for each parameter of `subject`, and all parameters are strings.
    return identifiers as readonly string[] as Identifiers
  }
}

const PLACEHOLDER = 'ANY_IDENTIFIER'
