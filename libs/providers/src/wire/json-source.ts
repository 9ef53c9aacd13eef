import { isRecord } from './is-record.ts'
import { endOfValue, findLastMember, type MemberSpan, memberSpans, skipWhiteSpace } from './json-member.ts'
import { jsonText } from './json-text.ts'
import { compactJson } from './opaque-json.ts'
import { parseJson } from './parse-json.ts'

/** The way to values in a document: names of members, and {@link EVERY} for all items of an array. */
export type JsonPath = readonly [string, ...string[]]

/** All items of an array. */
export const EVERY = '*'

/** Parses JSON, and keeps how the objects at `path` are written. Returns undefined, which no JSON is, where it is none. */
export function parseWithSource(json: Buffer, path: JsonPath): unknown {
  const value = parseJson(json)
  keepSource(json, value, path)
  return value
}

/**
 * Keeps how the objects at `path` of a document are written, for {@link writtenText}. Costs a search where the document has none.
 * @param value what `json` was parsed to
 */
export function keepSource(json: Buffer, value: unknown, path: JsonPath): void {
  const name = path.findLast((step) => step !== EVERY) ?? ''
  if (isRecord(value) && (json.includes(`"${name}"`) || hasEscapedLetters(json))) keep(json, 0, value, path)
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
  // As a rule it is found from the end, without reading what stands before it. A name that is spelt with escapes is not.
  const found = hasEscapedLetters(json) ? undefined : findLastMember(json, name, 1)
  return found ?? lastMember(json, 0, name)
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

/** @param start where the value is in the text */
function keep(json: Buffer, start: number, value: unknown, [step, ...rest]: readonly string[]): void {
  if (step === undefined) {
    if (isRecord(value)) SOURCES.set(value, compactJson(json.toString('utf8', start, endOfValue(json, start))))
  } else if (step === EVERY) {
    if (!Array.isArray(value)) return
    let index = 0
    for (const { valueStart } of memberSpans(json, start)) keep(json, valueStart, value[index++], rest)
  } else if (isRecord(value)) {
    const member = start === 0 ? ownMember(json, step) : lastMember(json, start, step)
    if (member !== undefined) keep(json, member.valueStart, value[step], rest)
  }
}

function lastMember(json: Buffer, start: number, name: string): MemberSpan | undefined {
  let last: MemberSpan | undefined
  for (const member of memberSpans(json, skipWhiteSpace(json, start))) {
    if (isCalled(json, member, name)) last = member
  }
  return last
}

function isCalled(json: Buffer, { keyStart }: MemberSpan, name: string): boolean {
  const key = json.subarray(keyStart, endOfValue(json, keyStart))
  if (key.length === name.length + QUOTES) return key.toString('latin1', 1, key.length - 1) === name
  return key.includes(BACKSLASH) && JSON.parse(key.toString('utf8')) === name
}

/** Whether a name made of letters and "_" may be spelt with escapes. */
function hasEscapedLetters(json: Buffer): boolean {
  return ESCAPED_LETTERS.some((start) => json.includes(start))
}

/** How `A` to `z` begin: `\\u0041`, `\\u007a`. */
const ESCAPED_LETTERS = ['\\u004', '\\u005', '\\u006', '\\u007'] as const
const CLOSE_BRACE = 0x7d
const QUOTES = 2
const BACKSLASH = 0x5c
