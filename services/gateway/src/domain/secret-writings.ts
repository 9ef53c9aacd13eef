import { isDistinctive, MIN_RUN_CHARS, publicPrefixLength } from './secret-text.ts'

/**
 * A secret as texts may have it: each of its characters in one of several forms. A run of its characters counts where it has a
 * distinctive part that is the secret's own.
 */
export interface Writing {
  /** Of each character the forms that it may have, as bytes. */
  readonly units: readonly (readonly Buffer[])[]
  /** For each place where a run may begin: where it has to end at the earliest to count; {@link NEVER} where it counts in no case. */
  readonly leastEnds: readonly number[]
}

/** Of one character. More is needed only by what is not ASCII, of which no credential is made. */
export const MAX_FORM_BYTES = 16
export const NEVER = Number.POSITIVE_INFINITY

/**
 * The writings of a secret: plain, with what is neither letter nor digit escaped in whatever way, or not; and, as encoders do that know no
 * safe character, with every character escaped for JSON or for a URL.
 */
export function writingsOf(secret: string): Writing[] {
  const chars = [...secret]
  const leastEnds = leastEndsOf(chars)
  const writing = (formsOf: (char: string) => string[]): Writing => ({
    units: chars.map((char) =>
      [...new Set(formsOf(char))].map((form) => Buffer.from(form)).filter(({ length }) => length <= MAX_FORM_BYTES),
    ),
    leastEnds,
  })
  const isEscaped = chars.filter((char) => !UNESCAPED.test(char)).length <= MAX_ESCAPED_CHARS
  return [writing(isEscaped ? plainForms : (char) => [char]), writing(unicodeEscapes), writing(percentEscapes)]
}

/** What nobody escapes. */
const UNESCAPED = /[a-z0-9]/i
/** Keys and tokens have a few. What has more is made of signs, and its writings would take too much memory. */
const MAX_ESCAPED_CHARS = 512

function leastEndsOf(chars: readonly string[]): number[] {
  const prefix = publicPrefixLength(chars.join(''))
  const ends: number[] = new Array(chars.length).fill(NEVER)
  let least = NEVER
  for (let start = chars.length - 1; start >= 0; start--) {
    if (start >= prefix) least = Math.min(least, leastEndFrom(chars, start))
    ends[start] = least
  }
  // The whole counts in any case.
  ends[0] = Math.min(least, chars.length)
  return ends
}

function leastEndFrom(chars: readonly string[], start: number): number {
  const last = Math.min(chars.length, start + MAX_LEAST_CHARS)
  for (let end = start + MIN_RUN_CHARS; end <= last; end++) {
    if (isDistinctive(chars.slice(start, end).join(''))) return end
  }
  return NEVER
}

/** Looking further for a run that counts would be of no use: hardly any text is as monotonous as that. */
const MAX_LEAST_CHARS = 32

/** How JSON (JSON within JSON, too), JavaScript, URLs and HTML write a character. Letters and digits are left as they are by all. */
function plainForms(char: string): string[] {
  if (UNESCAPED.test(char)) return [char]
  const code = char.codePointAt(0) ?? 0
  const quoted = JSON.stringify(char).slice(1, -1)
  const slashed = /["'\\/]/.test(char) ? [`\\${char}`, `\\\\${char}`, `\\\\\\${char}`] : []
  const nested = unicodeEscapes(char).map((form) => `\\${form}`)
  const inUrls = percentEscapes(char)
  const name = ENTITIES[char]
  const hex = code.toString(16)
  return [
    char,
    quoted,
    JSON.stringify(quoted).slice(1, -1),
    ...slashed,
    ...unicodeEscapes(char),
    ...nested,
    ...inUrls,
    ...inUrls.map((form) => form.replaceAll('%', '%25')),
    `&#${code};`,
    `&#x${hex};`,
    `&#x${hex.toUpperCase()};`,
    ...(name === undefined ? [] : [`&${name};`]),
  ]
}

const ENTITIES: Readonly<Record<string, string>> = { '&': 'amp', '<': 'lt', '>': 'gt', '"': 'quot', "'": 'apos' }

function unicodeEscapes(char: string): string[] {
  // One UTF-16 code unit each, of which a character may have two.
  const hex = char.split('').map((unit) => unit.charCodeAt(0).toString(16).padStart(4, '0'))
  return [hex, hex.map((digits) => digits.toUpperCase())].map((units) => units.map((unit) => `\\u${unit}`).join(''))
}

function percentEscapes(char: string): string[] {
  const lower = [...Buffer.from(char)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
  return [lower, lower.toUpperCase()]
}
