/** How often a JSON text has each of the names that decide how it is read, as a member's or a text; none is counted beyond {@link MANY}. */
export interface Mentions {
  readonly usage: number
  /** Of what may stand beside a `usage`. */
  readonly besideUsage: number
  readonly error: number
}

/**
 * Looks for all of the names in one pass, which takes as long as looking for one of them.
 * @param text in any encoding that has ASCII as it is
 */
export function mentionsIn(text: string): Mentions {
  let usage = 0
  let besideUsage = 0
  let error = 0
  NAMES.lastIndex = 0
  for (let found = 0; found < MANY; found++) {
    const name = NAMES.exec(text)?.[1]
    if (name === undefined) return { usage, besideUsage, error }
    if (name === 'usage') usage++
    else if (name === 'error' || name === '__type') error++
    else besideUsage++
  }
  return { usage: MANY, besideUsage: MANY, error: MANY }
}

/** `__type` is AWS's name for the type of an exception. */
const NAMES = /"(usage|error|tool_usage|usage_breakdown|__type)"/g
/** Text that is made to have many is taken to have many of each. */
const MANY = 16

/** Where an object's member stands in JSON text: bytes from `keyStart` (its key's quote) and `valueStart` to `end`. */
export interface MemberSpan {
  readonly keyStart: number
  readonly valueStart: number
  /** After the value's last byte. */
  readonly end: number
}

/**
 * The last member called `name` whose object is `depth` objects or arrays deep (1: the document itself). Looks from the
 * end, so that `json` may also be only the tail of a document, and what a long answer holds before it costs nothing.
 */
export function findLastMember(json: Buffer, name: string, depth: number): MemberSpan | undefined {
  const key = `"${name}"`
  let keyStart = json.lastIndexOf(key)
  for (let attempts = 0; keyStart >= 0 && attempts < MAX_ATTEMPTS; attempts++) {
    // After a backslash the quote is one inside a longer name.
    const isKey = json[keyStart - 1] !== BACKSLASH
    const valueStart = isKey ? afterColon(json, keyStart + key.length) : -1
    const end = valueStart < 0 ? -1 : endOfValue(json, valueStart)
    if (end >= 0 && depthBefore(json, end) === depth) return { keyStart, valueStart, end }
    keyStart = keyStart === 0 ? -1 : json.lastIndexOf(key, keyStart - 1)
  }
  return undefined
}

/** Whether the text has so many members called `name` that {@link findLastMember} gives up before it has looked at each. */
export function isCrowded(json: Buffer, name: string): boolean {
  const key = `"${name}"`
  let found = 0
  for (let at = json.indexOf(key); at >= 0 && found <= MAX_ATTEMPTS; at = json.indexOf(key, at + key.length)) found++
  return found > MAX_ATTEMPTS
}

/** Returns whether a document may hold an error: it names one that is not just a null of its own, as whole responses have. */
export function mayHoldError(json: Buffer, mentions: Mentions = mentionsIn(json.toString('latin1'))): boolean {
  if (mentions.error !== 1) return mentions.error > 1
  const member = findLastMember(json, 'error', 1)
  return member === undefined || json[member.valueStart] !== LETTER_N
}

/** The document's own member called `name`, in the first part of a document that is too long to be kept. */
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

/** The value that a span is of. The text must be JSON there, or it throws a SyntaxError. */
export function memberValue(json: Buffer, span: MemberSpan): unknown {
  return JSON.parse(json.toString('utf8', span.valueStart, span.end))
}

/** The text without that member, and without one of the commas around it. */
export function withoutMember(json: Buffer, { keyStart, end }: MemberSpan): [Buffer, Buffer] {
  const before = lastBlackByte(json, keyStart)
  if (json[before] === COMMA) return [json.subarray(0, before), json.subarray(end)]
  const after = skipWhiteSpace(json, end)
  const resume = json[after] === COMMA ? skipWhiteSpace(json, after + 1) : end
  return [json.subarray(0, keyStart), json.subarray(resume)]
}

/**
 * Visits the members of the object that begins at `start`, or the items of the array, in order. `visit` gets where the key (of an item:
 * the value) and the value begin and the number of those before, and returns where the value ends. Returns where the whole ends.
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

/** Each attempt may read the whole text: text that is made to have many false matches is given up. */
const MAX_ATTEMPTS = 8

const LETTER_N = 0x6e
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

/** Where the value that begins at `start` ends; below 0 where it does not. */
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
 * Where the string that begins at `start` ends; below 0 where it does not. Short ones are read byte by byte, which pays up to some length;
 * the end of others is looked for natively.
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

/** How many objects and arrays are open at `from`, by what closes after it; -1 where the rest is not the end of JSON. */
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

function lastBlackByte(json: Buffer, before: number): number {
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
