import { isRecord } from './is-record.ts'
import { endOfValue, findLastMember, type MemberSpan, skipWhiteSpace, visitMembers } from './json-member.ts'
import { jsonText } from './json-text.ts'
import { compactJson } from './opaque-json.ts'
import { parseJson } from './parse-json.ts'

/** The way to values in a document: names of members, and {@link EVERY} for all items of an array. */
export type JsonPath = readonly [string, ...string[]]

/** All items of an array. */
export const EVERY = '*'

/**
 * Parses a provider's JSON, and keeps how the objects at `path` are written, for {@link writtenText}. Costs a search where there are none.
 * Returns undefined, which no JSON is, where it is none.
 */
export function parseWithSource(json: Buffer, path: JsonPath): unknown {
  const value = parseJson(json)
  const name = path.findLast((step) => step !== EVERY) ?? ''
  if (json.includes(`"${name}"`)) keepSource(json, value, path)
  return value
}

/** Keeps how the objects at `path` of a document are written, for {@link writtenText}. @param value what `json` was parsed to */
export function keepSource(json: Buffer, value: unknown, path: JsonPath): void {
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

/** Returns where the value that begins at `start` ends. */
function keep(json: Buffer, start: number, value: unknown, path: readonly string[], depth: number): number {
  const { [depth]: step } = path
  if (step === undefined) return keepText(json, start, value)
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

function keepText(json: Buffer, start: number, value: unknown): number {
  const end = endOfValue(json, start)
  if (isRecord(value)) SOURCES.set(value, compactJson(json.toString('utf8', start, end)))
  return end
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

/** Whether a name made of letters and "_" may be spelt with escapes. */
function hasEscapedLetters(json: Buffer): boolean {
  for (let at = json.indexOf(ESCAPE); at >= 0; at = json.indexOf(ESCAPE, at + ESCAPE.length)) {
    const digit = json[at + ESCAPE.length]
    if (digit !== undefined && digit >= FIRST_LETTERS && digit <= LAST_LETTERS) return true
  }
  return false
}

const ESCAPE = '\\u00'
/** What follows of `A` to `z`: `\\u0041`, `\\u007a`. */
const FIRST_LETTERS = '4'.charCodeAt(0)
const LAST_LETTERS = '7'.charCodeAt(0)
const CLOSE_BRACE = 0x7d
const QUOTE = 0x22
const BACKSLASH = 0x5c
