/** Knows how texts may spell a secret, and measures how much of one spelling is at a place in a text. */
import { isDistinctive, MIN_RUN_CHARS, publicPrefixLength } from './distinctive.ts'

/**
 * One way to spell a secret in a text: each of its characters in one of several forms. A run of its characters counts
 * if it has a distinctive part that is the secret's own, beyond the public prefix of its kind.
 */
export interface Spelling {
  /** For each character, the forms that it may have, as bytes. */
  readonly units: readonly (readonly Buffer[])[]
  /**
   * For each unit where a run may begin, the number of the unit it must reach (exclusive) to count; {@link NEVER} if
   * none counts.
   */
  readonly leastEnds: readonly number[]
}

/** Of one character. Only characters outside ASCII need more, and no credential has those. */
const MAX_FORM_BYTES = 16
export const NEVER = Number.POSITIVE_INFINITY

/**
 * Returns the spellings of a secret: plain, with punctuation escaped in any of the usual ways or not; and with every
 * character escaped for JSON or for a URL, as encoders do that know no safe character.
 */
export function spellingsOf(secret: string): Spelling[] {
  const chars = [...secret]
  const leastEnds = leastEndsOf(chars)
  const spelling = (formsOf: (char: string) => string[]): Spelling => ({
    units: chars.map((char) =>
      [...new Set(formsOf(char))].map((form) => Buffer.from(form)).filter(({ length }) => length <= MAX_FORM_BYTES),
    ),
    leastEnds,
  })
  const isEscaped = chars.filter((char) => !UNESCAPED.test(char)).length <= MAX_ESCAPED_CHARS
  return [spelling(isEscaped ? plainForms : (char) => [char]), spelling(unicodeEscapes), spelling(percentEscapes)]
}

/** Characters that no encoder needs to escape. */
const UNESCAPED = /[a-z0-9]/i
/**
 * Keys and tokens have a few. A secret with more is mostly punctuation, and its spellings would take too much memory.
 */
const MAX_ESCAPED_CHARS = 512

function leastEndsOf(chars: readonly string[]): number[] {
  const prefix = publicPrefixLength(chars.join(''))
  const ends: number[] = new Array(chars.length).fill(NEVER)
  let least = NEVER
  for (let start = chars.length - 1; start >= 0; start--) {
    if (start >= prefix) least = Math.min(least, leastEndFrom(chars, start))
    ends[start] = least
  }
  // The whole secret counts in any case.
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

/** Hardly any text is so monotonous that a longer search would find a run that counts. */
const MAX_LEAST_CHARS = 32

/**
 * Returns how JSON (also within JSON), JavaScript, URLs and HTML write a character. All leave letters and digits as
 * they are.
 */
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
  // One escape for each UTF-16 code unit; a character may have two.
  const hex = char.split('').map((unit) => unit.charCodeAt(0).toString(16).padStart(4, '0'))
  return [hex, hex.map((digits) => digits.toUpperCase())].map((units) => units.map((unit) => `\\u${unit}`).join(''))
}

function percentEscapes(char: string): string[] {
  const lower = [...Buffer.from(char)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
  return [lower, lower.toUpperCase()]
}

/** Returns whether `bytes` have the first `length` bytes of `form` at `at`. */
export function isAt(bytes: Uint8Array, at: number, form: Buffer, length: number): boolean {
  for (let index = 0; index < length; index++) if (bytes[at + index] !== form[index]) return false
  return true
}

/** The end of a walk: the unit, and the byte at which it begins. */
interface Reach {
  readonly unit: number
  readonly at: number
}

/** Walks back from unit `unit`, which begins at `at`, as far as the bytes before it spell the units before it. */
export function walkBack(bytes: Uint8Array, units: Spelling['units'], unit: number, at: number): Reach {
  let first = unit
  // A character may match in two forms, as `/` and as `\/`; usually it matches in one.
  let starts = [at]
  while (first > 0) {
    const forms = units[first - 1] as readonly Buffer[]
    const before: number[] = []
    for (const start of starts) {
      for (const form of forms) {
        const begin = start - form.length
        if (begin >= 0 && isAt(bytes, begin, form, form.length) && !before.includes(begin)) before.push(begin)
      }
    }
    if (before.length === 0) break
    starts = before
    first--
  }
  return { unit: first, at: Math.min(...starts) }
}

/**
 * Walks ahead from `at`, where unit `unit` would begin. `isOpen`: the bytes end before it is known how far the units
 * go.
 */
export function walkAhead(
  bytes: Uint8Array,
  units: Spelling['units'],
  unit: number,
  at: number,
): Reach & { readonly isOpen: boolean } {
  let next = unit
  let ends = [at]
  let isOpen = false
  while (next < units.length) {
    const forms = units[next] as readonly Buffer[]
    const after: number[] = []
    for (const end of ends) {
      for (const form of forms) {
        const there = Math.min(form.length, bytes.length - end)
        if (!isAt(bytes, end, form, there)) continue
        if (there < form.length) isOpen = true
        else if (!after.includes(end + there)) after.push(end + there)
      }
    }
    if (after.length === 0) break
    ends = after
    next++
  }
  return { unit: next, at: Math.max(...ends), isOpen }
}
