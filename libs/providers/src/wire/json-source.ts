import { isRecord, jsonText, parseJson } from './json.ts'
import {
  endOfString,
  endOfValue,
  findLastMember,
  type MemberSpan,
  skipWhiteSpace,
  visitMembers,
} from './json-members.ts'

/** The way to values in a document: names of members, and {@link EVERY} for all items of an array. */
export type JsonPath = readonly [string, ...string[]]

/** All items of an array. */
export const EVERY = '*'

/**
 * Parses a provider's JSON, and keeps how the objects at `path` are written, for {@link writtenText}. Returns undefined, which no JSON is,
 * where it is none.
 */
export function parseWithSource(json: Buffer, path: JsonPath): unknown {
  const value = parseJson(json)
  keepSource(json, value, path)
  return value
}

/**
 * Keeps how the objects at `path` of a document are written, for {@link writtenText}. Costs a search of the document and a pass over the
 * objects; nothing where there are none, or none that has members.
 * @param value what `json` was parsed to
 */
export function keepSource(json: Buffer, value: unknown, path: JsonPath): void {
  const values: unknown[] = []
  collect(value, path, 0, values)
  if (!values.some(hasMembers) || keepInOrder(json, path.at(-1) ?? '', values)) return
  const [name, ...others] = path
  const member = isRecord(value) ? ownMember(json, name) : undefined
  if (isRecord(value) && member !== undefined) keep(json, member.valueStart, value[name], others, 0)
}

/** How an object was written, but for white space. Returns undefined where that was not kept. */
export function sourceText(value: object): string | undefined {
  return SOURCES.get(value)
}

/** A value's JSON text: as it was written where that was kept. Returns undefined where it is nested too deeply to be written. */
export function writtenText(value: unknown): string | undefined {
  return (isRecord(value) ? SOURCES.get(value) : undefined) ?? jsonText(value)
}

/** Finds the document's own member called `name`: of several the last, which is the one that JSON.parse takes. */
export function ownMember(json: Buffer, name: string): MemberSpan | undefined {
  // As a rule it is found from the end, without reading what stands before it.
  const found = findLastMember(json, name, 1)
  // A later one may be spelt with escapes.
  return found === undefined || hasEscapedLetters(json.subarray(found.end)) ? lastMember(json, name) : found
}

/** The text of an object with the member `name` set to `value`, which is JSON, and every other byte as it is. */
export function withMember(json: Buffer, name: string, value: string | Buffer): Buffer {
  const member = ownMember(json, name)
  if (member === undefined) return insertMember(json, name, value)
  return Buffer.concat([json.subarray(0, member.valueStart), Buffer.from(value), json.subarray(member.end)])
}

/** The text of an object that has no member `name` with one, before the others. */
export function insertMember(json: Buffer, name: string, value: string | Buffer): Buffer {
  const inside = json.indexOf('{') + 1
  const isEmpty = json[skipWhiteSpace(json, inside)] === CLOSE_BRACE
  const pieces = [json.subarray(0, inside), Buffer.from(`"${name}":`), Buffer.from(value)]
  return Buffer.concat([...pieces, Buffer.from(isEmpty ? '' : ','), json.subarray(inside)])
}

const SOURCES = new WeakMap<object, string>()

/** Adds the values at `path`, in the order in which the text has them. */
function collect(value: unknown, path: readonly string[], depth: number, values: unknown[]): void {
  const { [depth]: step } = path
  if (step === undefined) {
    values.push(value)
  } else if (step === EVERY) {
    if (Array.isArray(value)) for (const item of value) collect(item, path, depth + 1, values)
  } else if (isRecord(value) && value[step] !== undefined) {
    collect(value[step], path, depth + 1, values)
  }
}

function hasMembers(value: unknown): boolean {
  if (isRecord(value)) for (const _ in value) return true
  return false
}

/**
 * Keeps the texts of `values`, which are all the members at a path, where these alone are called `name`, but for members inside them:
 * then they stand in the text in the same order. A member elsewhere, or one that is there twice, is left over at the end; JSON in
 * strings has its quotes escaped. Returns false, having kept nothing, where it cannot be known which member is which.
 */
function keepInOrder(json: Buffer, name: string, values: readonly unknown[]): boolean {
  if (hasEscapedLetters(json)) return false
  const texts: string[] = []
  let at = 0
  for (const _ of values) {
    const start = nextMember(json, name, at)
    if (start < 0) return false
    const { end, text } = textAt(json, start)
    texts.push(text)
    at = end
  }
  if (nextMember(json, name, at) >= 0) return false
  for (const [index, text] of texts.entries()) setSource(values[index], text)
  return true
}

/** Returns where the value of the next member called `name` begins; below 0 where there is none. */
function nextMember(json: Buffer, name: string, from: number): number {
  const key = `"${name}"`
  for (let at = json.indexOf(key, from); at >= 0; at = json.indexOf(key, at + key.length)) {
    const colon = skipWhiteSpace(json, at + key.length)
    if (json[colon] === COLON) return skipWhiteSpace(json, colon + 1)
  }
  return -1
}

/** Finds the texts along `path`, however names are spelt. Returns where the value that begins at `start` ends. */
function keep(json: Buffer, start: number, value: unknown, path: readonly string[], depth: number): number {
  const { [depth]: step } = path
  if (step === undefined) {
    const { end, text } = textAt(json, start)
    setSource(value, text)
    return end
  }
  if (step === EVERY) {
    if (!Array.isArray(value)) return endOfValue(json, start)
    return visitMembers(json, start, (_, valueStart, index) => keep(json, valueStart, value[index], path, depth + 1))
  }
  if (!isRecord(value)) return endOfValue(json, start)
  // Of a name that is there twice the last counts, whose values then get their own text.
  return visitMembers(json, start, (keyStart, valueStart) =>
    isCalled(json, keyStart, step)
      ? keep(json, valueStart, value[step], path, depth + 1)
      : endOfValue(json, valueStart),
  )
}

function textAt(json: Buffer, start: number): { readonly end: number; readonly text: string } {
  // Of other values the text is not needed.
  return json[start] === OPEN_BRACE ? compactObject(json, start) : { end: endOfValue(json, start), text: '' }
}

function setSource(value: unknown, text: string): void {
  if (isRecord(value)) SOURCES.set(value, text)
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

/** Whether the key that begins at `start` is `name`, which has no characters but letters and "_". */
function isCalled(json: Buffer, start: number, name: string): boolean {
  let at = start + 1
  for (let index = 0; index < name.length; index++, at++) {
    if (json[at] === name.charCodeAt(index)) continue
    return json[at] === BACKSLASH && JSON.parse(json.toString('utf8', start, endOfValue(json, start))) === name
  }
  return json[at] === QUOTE
}

/** Returns whether a name made of letters and "_" may be spelt with escapes. */
function hasEscapedLetters(json: Buffer): boolean {
  // One search by an expression: text of other alphabets may be all escapes, each of which a native search would stop at.
  return json.includes('\\u00') && ESCAPED_LETTER.test(json.toString('latin1'))
}

/** Of `A` to `z`: `\\u0041`, `\\u007a`. */
const ESCAPED_LETTER = /\\u00[4-7]/
const COLON = 0x3a

/** Returns JSON text without the white space between its tokens. @param text well-formed */
export function compactJson(text: string): string {
  let compact = ''
  let from = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) {
      at = closingQuote(text, at)
    } else if (code <= SPACE) {
      compact += text.slice(from, at)
      from = at + 1
    }
  }
  return from === 0 ? text : compact + text.slice(from)
}

/**
 * Finds where the object that begins at `start` ends, and its text without the white space between its tokens.
 * @param json well-formed there
 */
export function compactObject(json: Buffer, start: number): { readonly end: number; readonly text: string } {
  let depth = 0
  let spaces = 0
  let end = start
  do {
    const byte = json[end]
    if (byte === undefined) break
    if (byte === QUOTE) {
      const after = endOfString(json, end)
      end = after < 0 ? json.length : after
      continue
    }
    if (byte <= SPACE) spaces++
    else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth++
    else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) depth--
    end++
  } while (depth > 0)
  return { end, text: spaces === 0 ? json.toString('utf8', start, end) : withoutSpaces(json, start, end) }
}

function withoutSpaces(json: Buffer, start: number, end: number): string {
  const compact = Buffer.allocUnsafe(end - start)
  let length = 0
  for (let at = start; at < end; at++) {
    const byte = json[at] ?? SPACE
    if (byte === QUOTE) {
      const after = endOfString(json, at)
      for (; at < after - 1; at++) compact[length++] = json[at] ?? SPACE
      compact[length++] = QUOTE
    } else if (byte > SPACE) {
      compact[length++] = byte
    }
  }
  return compact.toString('utf8', 0, length)
}

/** Strings may be long and have many quotes in them: each backslash is looked at once. */
function closingQuote(text: string, start: number): number {
  for (let quote = text.indexOf('"', start + 1); quote >= 0; quote = text.indexOf('"', quote + 1)) {
    let first = quote
    while (text.charCodeAt(first - 1) === BACKSLASH) first--
    if ((quote - first) % 2 === 0) return quote
  }
  return text.length
}

/** White space in JSON is the space and what stands before it; nothing else outside strings does. */
const SPACE = 0x20
const QUOTE = 0x22
const OPEN_BRACKET = 0x5b
const BACKSLASH = 0x5c
const CLOSE_BRACKET = 0x5d
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d

declare global {
  interface JSON {
    /** @see https://tc39.es/proposal-json-parse-with-source/ */
    rawJSON(text: string): object
  }
}

/**
 * JSON that is somebody else's, such as the arguments of a tool call: it goes on as it was written, digit for digit. Parsing it and
 * writing it again would change numbers beyond 2^53, `1.0`, `1e400`, the order of members with numeric names, and duplicates.
 * Stands in a document in the place of a value, for {@link writeJson}.
 */
export class OpaqueJson {
  readonly text: string

  /** @param text JSON, well-formed */
  constructor(text: string) {
    this.text = text
  }

  /** Called by JSON.stringify. Outside {@link writeJson} it is the value as far as JavaScript has one. */
  toJSON(): unknown {
    if (texts === undefined) return JSON.parse(this.text)
    texts.push(this.text)
    return MARK
  }
}

/** Writes a document that may hold {@link OpaqueJson}. Returns undefined where it is nested too deeply. */
export function writeJson(document: object): string | undefined {
  const opaque: string[] = []
  texts = opaque
  try {
    const text = JSON.stringify(document)
    return opaque.length === 0 ? text : filled(text, opaque)
  } catch {
    return undefined
  } finally {
    texts = undefined
  }
}

function filled(text: string, opaque: readonly string[]): string {
  let whole = ''
  let from = 0
  for (const inserted of opaque) {
    const mark = text.indexOf(WRITTEN_MARK, from)
    whole += text.slice(from, mark) + inserted
    from = mark + WRITTEN_MARK.length
  }
  return whole + text.slice(from)
}

/** Those of the document that is being written, in the order in which they stand in it. */
let texts: string[] | undefined

/**
 * Marks the place of an opaque text. JSON.stringify escapes no letter and doubles every backslash of a string, so that nothing that a
 * caller sends is ever written like this.
 */
const WRITTEN_MARK = '"\\u0041"'
const MARK = JSON.rawJSON(WRITTEN_MARK)
