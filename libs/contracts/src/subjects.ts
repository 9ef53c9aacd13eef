/**
 * The one encoding of an identifier into a NATS subject token or a KV key: letters, digits, `-` and `_` stay, every other
 * UTF-8 byte becomes `=XX` (two upper-case hex digits; `=` is allowed in both, and never in an identifier's own text
 * unencoded). Distinct identifiers have distinct tokens, and a token holds no `.`, `*`, `>` or white space.
 *
 * @throws RangeError for the empty string, which no subject can hold
 * @see https://docs.nats.io/nats-concepts/subjects and ADR-8 (key-value stores) for what the two allow
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

/** The identifier that `token` was made of by {@link subjectToken}. Never throws: what is not an escape stays as it is. */
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

const PLAIN = /^[A-Za-z0-9_-]+$/

/** A definition's subject with the `fixed` identifiers first and `*` in every other one's place: what to subscribe to. */
export function subjectPattern<Identifiers extends readonly string[]>(
  subject: (...identifiers: Identifiers) => string,
  fixed: readonly string[] = [],
): string {
  const identifiers = Array.from({ length: subject.length }, (_, index) => fixed[index] ?? PLACEHOLDER)
  return subject(...(identifiers as readonly string[] as Identifiers)).replaceAll(PLACEHOLDER, '*')
}

/** The identifiers in `subject`, which matched `pattern`: one for each `*`, in their order. */
export function identifiersIn(subject: string, pattern: string): string[] {
  const tokens = subject.split('.')
  const identifiers: string[] = []
  for (const [index, part] of pattern.split('.').entries()) {
    const token = tokens[index]
    if (part === '*' && token !== undefined) identifiers.push(fromSubjectToken(token))
  }
  return identifiers
}

const PLACEHOLDER = 'ANY_IDENTIFIER'
