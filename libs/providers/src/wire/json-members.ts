/**
 * Finding, reading and editing members of JSON text without parsing it, byte for byte. The byte constants in this and
 * the other scanners are local on purpose: an imported binding makes their loops about 30 % slower (measured with Node
 * 24).
 */

/**
 * The position of an object's member in JSON text, in bytes: from `keyStart` (its key's quote) and `valueStart` to
 * `end`.
 */
export interface MemberSpan {
  readonly keyStart: number
  readonly valueStart: number
  /** After the value's last byte. */
  readonly end: number
}

/**
 * Finds the last member called `name` whose object is `depth` objects or arrays deep (1: the document itself). Searches
 * from the end: `json` may be only the tail of a document, and the text before the member costs nothing.
 */
export function findLastMember(json: Buffer, name: string, depth: number): MemberSpan | undefined {
  const key = `"${name}"`
  let keyStart = json.lastIndexOf(key)
  for (let attempts = 0; keyStart >= 0 && attempts < MAX_ATTEMPTS; attempts++) {
    // After a backslash the quote is inside a longer string.
    const isKey = json[keyStart - 1] !== BACKSLASH
    const valueStart = isKey ? afterColon(json, keyStart + key.length) : -1
    const end = valueStart < 0 ? -1 : endOfValue(json, valueStart)
    if (end >= 0 && depthBefore(json, end) === depth) return { keyStart, valueStart, end }
    keyStart = keyStart === 0 ? -1 : json.lastIndexOf(key, keyStart - 1)
  }
  return undefined
}

/**
 * Returns whether the text has so many members called `name` that {@link findLastMember} gives up before looking at
 * each.
 */
export function isCrowded(json: Buffer, name: string): boolean {
  const key = `"${name}"`
  let found = 0
  for (let at = json.indexOf(key); at >= 0 && found <= MAX_ATTEMPTS; at = json.indexOf(key, at + key.length)) found++
  return found > MAX_ATTEMPTS
}

/** Finds the document's own member called `name`, in the first part of a document that is too long to keep. */
export function findFirstMember(json: Buffer, name: string): MemberSpan | undefined {
  let depth = 0
  for (let i = 0; i < json.length; i++) {
    const byte = json[i]
    if (byte === QUOTE) {
      const keyStart = i
      const keyEnd = endOfString(json, i)
      if (keyEnd < 0) return undefined
      const valueStart = depth === 1 ? afterColon(json, keyEnd) : -1
      if (valueStart >= 0 && json.toString('utf8', keyStart + 1, keyEnd - 1) === name) {
        const end = endOfValue(json, valueStart)
        return end < 0 ? undefined : { keyStart, valueStart, end }
      }
      i = keyEnd - 1
    } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth++
    else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) depth--
  }
  return undefined
}

/** Parses a member's value. @throws SyntaxError where the text is not JSON there */
export function memberValue(json: Buffer, span: MemberSpan): unknown {
  return JSON.parse(json.toString('utf8', span.valueStart, span.end))
}

/**
 * Visits the members of the object that begins at `start`, or the items of the array, in order. `visit` gets the start
 * of the key (for an item: of the value), the start of the value and the index, and returns the end of the value.
 * Returns the end of the object or array.
 * @param json well-formed there
 */
export function visitMembers(
  json: Buffer,
  start: number,
  visit: (keyStart: number, valueStart: number, index: number) => number,
): number {
  const hasNames = json[start] === OPEN_BRACE
  let at = skipWhiteSpace(json, start + 1)
  for (let index = 0; at < json.length && !isDelimiter(json[at]); index++) {
    const valueStart = hasNames ? afterColon(json, endOfString(json, at)) : at
    const end = visit(at, valueStart, index)
    if (end < 0) return json.length
    at = skipWhiteSpace(json, end)
    if (json[at] === COMMA) at = skipWhiteSpace(json, at + 1)
  }
  return at + 1
}

/** Finds the document's own member called `name`: the last of duplicates, which is the one that JSON.parse takes. */
export function ownMember(json: Buffer, name: string): MemberSpan | undefined {
  // Usually found from the end, without reading the text before it.
  const found = findLastMember(json, name, 1)
  // A later one may be spelled with escapes.
  return found === undefined || hasEscapedLetters(json.subarray(found.end)) ? lastMember(json, name) : found
}

/** Sets the member `name` of an object's text to `value`, which is JSON; keeps every other byte. */
export function withMember(json: Buffer, name: string, value: string | Buffer): Buffer {
  const member = ownMember(json, name)
  if (member === undefined) return insertMember(json, name, value)
  return Buffer.concat([json.subarray(0, member.valueStart), Buffer.from(value), json.subarray(member.end)])
}

/** Adds a member in front of an object's others. @param json has no such member */
function insertMember(json: Buffer, name: string, value: string | Buffer): Buffer {
  const inside = json.indexOf('{') + 1
  const isEmpty = json[skipWhiteSpace(json, inside)] === CLOSE_BRACE
  const pieces = [json.subarray(0, inside), Buffer.from(`"${name}":`), Buffer.from(value)]
  return Buffer.concat([...pieces, Buffer.from(isEmpty ? '' : ','), json.subarray(inside)])
}

/** Removes a member with one of the commas around it: returns the text before and after. */
export function withoutMember(json: Buffer, { keyStart, end }: MemberSpan): [Buffer, Buffer] {
  const before = lastNonWhiteSpace(json, keyStart)
  if (json[before] === COMMA) return [json.subarray(0, before), json.subarray(end)]
  const after = skipWhiteSpace(json, end)
  const resume = json[after] === COMMA ? skipWhiteSpace(json, after + 1) : end
  return [json.subarray(0, keyStart), json.subarray(resume)]
}

function lastMember(json: Buffer, name: string): MemberSpan | undefined {
  let last: MemberSpan | undefined
  visitMembers(json, skipWhiteSpace(json, 0), (keyStart, valueStart) => {
    const end = endOfValue(json, valueStart)
    if (isCalled(json, keyStart, name)) last = { keyStart, valueStart, end }
    return end
  })
  return last
}

/** Returns whether the key that begins at `start` is `name`, which consists of letters and "_". */
export function isCalled(json: Buffer, start: number, name: string): boolean {
  let at = start + 1
  for (let index = 0; index < name.length; index++, at++) {
    if (json[at] === name.charCodeAt(index)) continue
    return json[at] === BACKSLASH && JSON.parse(json.toString('utf8', start, endOfValue(json, start))) === name
  }
  return json[at] === QUOTE
}

/** Returns whether names made of letters and "_" may be spelled with escapes. */
export function hasEscapedLetters(json: Buffer): boolean {
  // A regular expression: text in other alphabets may be all escapes, and indexOf would stop at each.
  return json.includes('\\u00') && ESCAPED_LETTER.test(json.toString('latin1'))
}

/** Escapes of `A` to `z`: `\\u0041`, `\\u007a`. */
const ESCAPED_LETTER = /\\u00[4-7]/

/** Each attempt may read the whole text: bounds the time for hostile input with many false matches. */
const MAX_ATTEMPTS = 8

const FEW_BYTES = 48
const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const BACKSLASH = 0x5c
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d

function afterColon(json: Buffer, from: number): number {
  const colon = skipWhiteSpace(json, from)
  return json[colon] === COLON ? skipWhiteSpace(json, colon + 1) : -1
}

/** Returns the end of the value that begins at `start`; -1 where it is incomplete. */
export function endOfValue(json: Buffer, start: number): number {
  const first = json[start]
  if (first === QUOTE) return endOfString(json, start)
  if (first === OPEN_BRACE || first === OPEN_BRACKET) return endOfContainer(json, start)
  let end = start
  while (end < json.length && !isDelimiter(json[end])) end++
  return end > start ? end : -1
}

function endOfContainer(json: Buffer, start: number): number {
  let depth = 0
  for (let i = start; i < json.length; i++) {
    const byte = json[i]
    if (byte === QUOTE) {
      i = endOfString(json, i) - 1
      if (i < 0) return -1
    } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth++
    else if ((byte === CLOSE_BRACE || byte === CLOSE_BRACKET) && --depth === 0) return i + 1
  }
  return -1
}

/**
 * Returns the end of the string that begins at `start`; -1 where it is incomplete. Reads short strings byte by byte,
 * which is faster, and searches long ones with indexOf.
 */
export function endOfString(json: Buffer, start: number): number {
  const few = Math.min(json.length, start + FEW_BYTES)
  let at = start + 1
  for (; at < few; at++) {
    const byte = json[at]
    if (byte === QUOTE) return at + 1
    if (byte === BACKSLASH) at++
  }
  for (let quote = json.indexOf(QUOTE, at); quote >= 0; quote = json.indexOf(QUOTE, quote + 1)) {
    let backslashes = 0
    while (quote - 1 - backslashes >= at && json[quote - 1 - backslashes] === BACKSLASH) backslashes++
    if (backslashes % 2 === 0) return quote + 1
  }
  return -1
}

/**
 * Returns how many objects and arrays are open at `from`, by what closes after it; -1 where the rest is not the end of
 * JSON.
 */
function depthBefore(json: Buffer, from: number): number {
  let depth = 0
  let deepest = 0
  for (let i = from; i < json.length; i++) {
    const byte = json[i]
    if (byte === QUOTE) {
      i = endOfString(json, i) - 1
      if (i < 0) return -1
    } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth++
    else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
      depth--
      if (depth < deepest) deepest = depth
    }
  }
  return depth === deepest ? -depth : -1
}

export function skipWhiteSpace(json: Buffer, from: number): number {
  let i = from
  while (isWhiteSpace(json[i])) i++
  return i
}

function lastNonWhiteSpace(json: Buffer, before: number): number {
  let i = before - 1
  while (isWhiteSpace(json[i])) i--
  return i
}

function isWhiteSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}

function isDelimiter(byte: number | undefined): boolean {
  return byte === COMMA || byte === CLOSE_BRACE || byte === CLOSE_BRACKET || isWhiteSpace(byte)
}
