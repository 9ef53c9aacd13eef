/**
 * Returns why a body is not a JSON object, as a sentence for the caller with the position (byte, line and column, all
 * from 1). Undefined where it is one. Quotes only single punctuation marks and keywords of programming languages,
 * because the body may contain secrets. One pass.
 */
export function jsonObjectFault(body: Uint8Array): string | undefined {
  const beginning = beginningFault(body)
  if (beginning !== undefined) return beginning
  const fault = syntaxFault(body)
  if (fault !== undefined) {
    const end = fault.what.endsWith('?') ? '' : '.'
    return `The body is not valid JSON: at ${placeOf(body, fault.at)} ${fault.what}${end}`
  }
  const kind = KINDS.get(body[skipSpace(body, 0)] ?? 0)
  if (kind === 'an object') return undefined
  return `The body is ${kind ?? 'a number'} in JSON, and must be an object: {"name": value, …}.`
}

const KINDS: ReadonlyMap<number, string> = new Map([
  [0x7b, 'an object'],
  [0x5b, 'an array'],
  [0x22, 'a string'],
  [0x6e, 'null'],
  [0x74, 'true'],
  [0x66, 'false'],
])

/** Finds mistakes that the beginning shows. */
function beginningFault(body: Uint8Array): string | undefined {
  if (skipSpace(body, 0) === body.length) return 'The body is empty: send a JSON object.'
  const [a, b, c] = body
  if (a === 0xef && b === 0xbb && c === 0xbf) {
    return 'The body begins with a byte order mark (EF BB BF), which JSON does not have: send UTF-8 without it.'
  }
  if ((a === 0xff && b === 0xfe) || (a === 0xfe && b === 0xff) || (a === 0 && b !== undefined) || b === 0) {
    return 'The body is not UTF-8: it looks like UTF-16 or UTF-32, or binary.'
  }
  if (a === 0x1f && b === 0x8b) {
    return 'The body is compressed with gzip: say so in the header content-encoding, or send it as it is.'
  }
  const start = Buffer.from(body.subarray(0, 256)).toString('latin1')
  if (/^[\w.%+-]+=/.test(start)) return 'The body is form-encoded (name=value): send a JSON object.'
  if (/^--[\w'()+,./:=? -]+\r?\n/.test(start)) return 'The body is a multipart form: send a JSON object.'
  return /^\s*</.test(start) ? 'The body looks like XML or HTML: send a JSON object.' : undefined
}

interface Fault {
  readonly at: number
  /** Completes "at byte 5 …". */
  readonly what: string
}

type Expected = 'value' | 'value or ]' | 'name' | 'name or }' | Mark
type Mark = ':' | ', or end' | 'nothing'

/** @see RFC 8259 */
function syntaxFault(body: Uint8Array): Fault | undefined {
  /** The opening brace or bracket of each open object or array. */
  const open: number[] = []
  let expected: Expected = 'value'
  let i = 0
  const closed = (): Expected => (open.length === 0 ? 'nothing' : ', or end')
  for (;;) {
    i = skipSpace(body, i)
    const byte = body[i]
    if (byte === undefined) {
      return expected === 'nothing' ? undefined : { at: i, what: 'it ends before the JSON does: was it cut off?' }
    }
    if (mayClose(expected, byte)) {
      const close = open.pop() === OPEN_BRACE ? CLOSE_BRACE : CLOSE_BRACKET
      if (byte !== close) return { at: i, what: `there is ${shown(byte)} where ${shown(close)} should be` }
      expected = closed()
      i++
    } else if (expected === ':' || expected === ', or end' || expected === 'nothing') {
      const isObject = open.at(-1) === OPEN_BRACE
      const what = missingMark(body, i, expected, isObject)
      if (what !== undefined) return { at: i, what }
      expected = expected === ', or end' && isObject ? 'name' : 'value'
      i++
    } else if (expected === 'name' || expected === 'name or }') {
      if (byte !== QUOTE) return { at: i, what: noName(body, i, expected) }
      const end = stringEnd(body, i)
      if (typeof end !== 'number') return end
      expected = ':'
      i = end
    } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      open.push(byte)
      expected = byte === OPEN_BRACE ? 'name or }' : 'value or ]'
      i++
    } else {
      const end = byte === QUOTE ? stringEnd(body, i) : scalarEnd(body, i, expected)
      if (typeof end !== 'number') return end
      expected = closed()
      i = end
    }
  }
}

function mayClose(expected: Expected, byte: number): boolean {
  if (byte === CLOSE_BRACE) return expected === ', or end' || expected === 'name or }'
  return byte === CLOSE_BRACKET && (expected === ', or end' || expected === 'value or ]')
}

/** Returns what is at `at` in place of a colon, a comma or the end; undefined where nothing is wrong. */
function missingMark(body: Uint8Array, at: number, expected: Mark, isObject: boolean): string | undefined {
  const byte = body[at] ?? 0
  if (expected === ':') return byte === COLON ? undefined : `there is ${shown(byte)} where ":" should be`
  if (expected === ', or end') return byte === COMMA ? undefined : missingComma(body, at, isObject)
  return `there is ${shown(byte)} after the end of the JSON`
}

function missingComma(body: Uint8Array, at: number, isObject: boolean): string {
  const byte = body[at] ?? 0
  return `there is ${wordAt(body, at) === '' ? shown(byte) : 'a word'} where "," or ${isObject ? '"}"' : '"]"'} should be`
}

function noName(body: Uint8Array, at: number, expected: Expected): string {
  const byte = body[at] ?? 0
  if (byte === CLOSE_BRACE && expected === 'name') return 'there is "}" right after a comma: take the comma out'
  if (byte === APOSTROPHE) return 'there is a single quote: names stand in double quotes'
  if (byte === SLASH) return 'there is a comment, which JSON does not have'
  if (wordAt(body, at) !== '') return 'there is a name without double quotes'
  return `there is ${shown(byte)} where a name in double quotes should be`
}

/** Returns the end of the string whose quote is at `start`. */
function stringEnd(body: Uint8Array, start: number): number | Fault {
  let i = start + 1
  for (;;) {
    i = plainEnd(body, i)
    const byte = body[i]
    if (byte === QUOTE) return i + 1
    if (byte === undefined) return cutString(body)
    if (byte !== BACKSLASH) return { at: i, what: rawControl(byte) }
    const fault = escapeFault(body, i)
    if (fault !== undefined) return fault
    i += body[i + 1] === LETTER_U ? 6 : 2
  }
}

/** Returns the next place in a string that has a quote, a backslash or a control character, or the body's end. */
function plainEnd(body: Uint8Array, start: number): number {
  for (let i = start; i < body.length; i++) {
    const byte = body[i] ?? 0
    if (byte === QUOTE || byte === BACKSLASH || byte < 0x20) return i
  }
  return body.length
}

function rawControl(byte: number): string {
  const what = byte === 0x0a || byte === 0x0d ? 'a line break' : byte === 0x09 ? 'a tab' : 'a control character'
  return `there is ${what} inside a string: write it as an escape, such as \\n or \\t`
}

function cutString(body: Uint8Array): Fault {
  return { at: body.length, what: 'it ends inside a string: was it cut off?' }
}

/** Returns what is wrong with the escape whose backslash is at `start`. */
function escapeFault(body: Uint8Array, start: number): Fault | undefined {
  const escaped = body[start + 1]
  if (escaped === undefined) return cutString(body)
  if (escaped !== LETTER_U) {
    if (ESCAPES.has(escaped)) return undefined
    const what = `there is \\ before ${shown(escaped)}, which is no escape of JSON: a backslash is written \\\\`
    return { at: start, what }
  }
  for (let i = start + 2; i < start + 6; i++) {
    const digit = body[i]
    if (digit === undefined) return cutString(body)
    if (!isHex(digit)) return { at: start, what: 'there is \\u without four hexadecimal digits' }
  }
  return undefined
}

/** Returns the end of the number or word at `start`. */
function scalarEnd(body: Uint8Array, start: number, expected: Expected): number | Fault {
  const byte = body[start] ?? 0
  if (byte === MINUS || isDigit(byte)) return numberEnd(body, start)
  const keyword = KEYWORDS.get(byte)
  if (keyword !== undefined && stands(keyword, body, start)) return start + keyword.length
  const word = wordAt(body, start)
  const instead = FOREIGN_WORDS.get(word)
  if (instead !== undefined) return { at: start, what: `there is ${word}: JSON has ${instead}` }
  if (word !== '') return { at: start, what: cutWord(body, start, word) ?? 'there is a word without double quotes' }
  if (byte === APOSTROPHE) return { at: start, what: 'there is a single quote: strings stand in double quotes' }
  if (byte === SLASH) return { at: start, what: 'there is a comment, which JSON does not have' }
  if (byte === CLOSE_BRACKET && expected === 'value') {
    return { at: start, what: 'there is "]" where a value should be: is there a comma too many?' }
  }
  return { at: start, what: `there is ${shown(byte)} where a value should be` }
}

/** Compares bytes without decoding: a body may consist of such words. */
function stands(word: string, body: Uint8Array, start: number): boolean {
  for (let i = 0; i < word.length; i++) if (body[start + i] !== word.charCodeAt(i)) return false
  return !isLetter(body[start + word.length] ?? 0)
}

function cutWord(body: Uint8Array, start: number, word: string): string | undefined {
  const isLast = start + word.length === body.length
  return isLast && WORDS.some((whole) => whole.startsWith(word)) ? 'it ends inside a word: was it cut off?' : undefined
}

function numberEnd(body: Uint8Array, start: number): number | Fault {
  const wrong = (at: number): Fault =>
    at >= body.length
      ? { at: body.length, what: 'it ends inside a number: was it cut off?' }
      : { at: start, what: 'there is a number that is not as JSON writes one' }
  const digitsEnd = (from: number): number => {
    let end = from
    while (isDigit(body[end] ?? 0)) end++
    return end
  }
  let i = body[start] === MINUS ? start + 1 : start
  const whole = digitsEnd(i)
  if (whole === i) return wrong(i)
  if (body[i] === ZERO && whole > i + 1) return { at: start, what: 'there is a number with a leading zero' }
  i = whole
  if (body[i] === POINT) {
    const fraction = digitsEnd(i + 1)
    if (fraction === i + 1) return wrong(fraction)
    i = fraction
  }
  if (body[i] === LETTER_E || body[i] === LETTER_CAPITAL_E) {
    const sign = body[i + 1] === MINUS || body[i + 1] === PLUS ? i + 2 : i + 1
    const exponent = digitsEnd(sign)
    if (exponent === sign) return wrong(exponent)
    i = exponent
  }
  return i
}

function wordAt(body: Uint8Array, start: number): string {
  let end = start
  while (end - start < MAX_WORD && isLetter(body[end] ?? 0)) end++
  return Buffer.from(body.subarray(start, end)).toString('latin1')
}

function skipSpace(body: Uint8Array, from: number): number {
  let i = from
  for (let byte = body[i]; byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09; byte = body[i]) i++
  return i
}

function placeOf(body: Uint8Array, at: number): string {
  let line = 1
  let lineStart = 0
  for (let i = 0; i < at; i++) {
    if (body[i] !== 0x0a) continue
    line++
    lineStart = i + 1
  }
  const column = Buffer.from(body.subarray(lineStart, at)).toString('utf8').length + 1
  return `byte ${at + 1} (line ${line}, column ${column})`
}

/**
 * Describes one character: quotes it only if it is punctuation, because letters, digits and non-ASCII may be part of a
 * secret.
 */
function shown(byte: number): string {
  if (isLetter(byte)) return 'a letter'
  if (isDigit(byte)) return 'a digit'
  if (byte === QUOTE) return 'a double quote'
  return byte > 0x20 && byte < 0x7f ? `"${String.fromCharCode(byte)}"` : 'a character that is no JSON'
}

function isLetter(byte: number): boolean {
  return (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a) || byte === 0x5f
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= 0x39
}

function isHex(byte: number): boolean {
  return isDigit(byte) || (byte >= 0x41 && byte <= 0x46) || (byte >= 0x61 && byte <= 0x66)
}

const QUOTE = 0x22
const APOSTROPHE = 0x27
const PLUS = 0x2b
const COMMA = 0x2c
const MINUS = 0x2d
const POINT = 0x2e
const SLASH = 0x2f
const ZERO = 0x30
const COLON = 0x3a
const OPEN_BRACKET = 0x5b
const BACKSLASH = 0x5c
const CLOSE_BRACKET = 0x5d
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const LETTER_U = 0x75
const LETTER_E = 0x65
const LETTER_CAPITAL_E = 0x45
const ESCAPES: ReadonlySet<number> = new Set([...'"\\/bfnrt'].map((letter) => letter.charCodeAt(0)))
const MAX_WORD = 16
const WORDS = ['true', 'false', 'null'] as const
const KEYWORDS: ReadonlyMap<number, string> = new Map(WORDS.map((word) => [word.charCodeAt(0), word]))
/** Words that Python and JavaScript print in place of JSON. */
const FOREIGN_WORDS: ReadonlyMap<string, string> = new Map([
  ['True', 'true'],
  ['False', 'false'],
  ['None', 'null'],
  ['undefined', 'null'],
  ['NaN', 'no such number'],
  ['Infinity', 'no such number'],
])
