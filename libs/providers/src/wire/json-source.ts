import { isRecord, jsonText, parseJson } from './json.ts'
import {
  endOfString,
  endOfValue,
  hasEscapedLetters,
  isCalled,
  ownMember,
  skipWhiteSpace,
  visitMembers,
} from './json-members.ts'

/** A path to values in a document: member names, and {@link EVERY} for all items of an array. */
export type JsonPath = readonly [string, ...string[]]

/** Path step: all items of an array. */
export const EVERY = '*'

/**
 * Parses a provider's JSON and keeps the source text of the objects at `path`, for {@link writtenText}. Returns
 * undefined where it is not JSON.
 */
export function parseWithSource(json: Buffer, path: JsonPath): unknown {
  const value = parseJson(json)
  keepSource(json, value, path)
  return value
}

/**
 * Keeps the source text of the objects at `path` of a document, for {@link sourceText} and {@link writtenText}. Costs a
 * search of the document and a pass over the objects; nothing where all are empty.
 * @param value the parsed `json`
 */
export function keepSource(json: Buffer, value: unknown, path: JsonPath): void {
  const values: unknown[] = []
  collect(value, path, 0, values)
  if (!values.some(hasMembers) || keepInOrder(json, path.at(-1) ?? '', values)) return
  const [name, ...others] = path
  const member = isRecord(value) ? ownMember(json, name) : undefined
  if (isRecord(value) && member !== undefined) keep(json, member.valueStart, value[name], others, 0)
}

/** Returns an object's source text without white space; undefined where it was not kept. */
export function sourceText(value: object): string | undefined {
  return SOURCES.get(value)
}

/**
 * Returns a value's JSON text: its source text where that was kept. Undefined where it is nested too deeply to
 * serialize.
 */
export function writtenText(value: unknown): string | undefined {
  return (isRecord(value) ? SOURCES.get(value) : undefined) ?? jsonText(value)
}

const SOURCES = new WeakMap<object, string>()

/** Collects the values at `path`, in the order of the text. */
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
 * Keeps the texts of `values`, which are all members at a path. Works where no others are called `name`, except inside
 * them: then the text has them in the same order. A member elsewhere, or a duplicate, is left over at the end; JSON
 * inside strings has escaped quotes. Returns false, having kept nothing, where members cannot be matched.
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

/** Returns the start of the value of the next member called `name`; -1 where there is none. */
function nextMember(json: Buffer, name: string, from: number): number {
  const key = `"${name}"`
  for (let at = json.indexOf(key, from); at >= 0; at = json.indexOf(key, at + key.length)) {
    const colon = skipWhiteSpace(json, at + key.length)
    if (json[colon] === COLON) return skipWhiteSpace(json, colon + 1)
  }
  return -1
}

/** Keeps the texts along `path`, however names are spelled. Returns the end of the value that begins at `start`. */
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
  // The last of duplicate names counts: its text replaces those of the earlier ones.
  return visitMembers(json, start, (keyStart, valueStart) =>
    isCalled(json, keyStart, step)
      ? keep(json, valueStart, value[step], path, depth + 1)
      : endOfValue(json, valueStart),
  )
}

function textAt(json: Buffer, start: number): { readonly end: number; readonly text: string } {
  // Only objects' text is needed.
  return json[start] === OPEN_BRACE ? compactObject(json, start) : { end: endOfValue(json, start), text: '' }
}

function setSource(value: unknown, text: string): void {
  if (isRecord(value)) SOURCES.set(value, text)
}

/** Removes the white space between tokens of JSON text. @param text well-formed */
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
 * Returns the end of the object that begins at `start`, and its text without white space between tokens.
 * @param json well-formed there
 */
function compactObject(json: Buffer, start: number): { readonly end: number; readonly text: string } {
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

/** Looks at each backslash once: strings may be long and contain many quotes. */
function closingQuote(text: string, start: number): number {
  for (let quote = text.indexOf('"', start + 1); quote >= 0; quote = text.indexOf('"', quote + 1)) {
    let first = quote
    while (text.charCodeAt(first - 1) === BACKSLASH) first--
    if ((quote - first) % 2 === 0) return quote
  }
  return text.length
}

/** Outside strings, exactly JSON's white space is at or below the space. */
const SPACE = 0x20
const QUOTE = 0x22
const COLON = 0x3a
const OPEN_BRACKET = 0x5b
const BACKSLASH = 0x5c
const CLOSE_BRACKET = 0x5d
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
