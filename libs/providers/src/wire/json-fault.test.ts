import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { jsonObjectFault } from './json-fault.ts'

const faultOf = (text: string) => jsonObjectFault(Buffer.from(text))

describe('the fault of a body that is not a JSON object', () => {
  it.each([
    ['', 'The body is empty: send a JSON object.'],
    [' \n', 'The body is empty: send a JSON object.'],
    ['[1]', 'The body is an array in JSON, and must be an object: {"name": value, …}.'],
    ['"text"', 'The body is a string in JSON, and must be an object: {"name": value, …}.'],
    ['12', 'The body is a number in JSON, and must be an object: {"name": value, …}.'],
    ['null', 'The body is null in JSON, and must be an object: {"name": value, …}.'],
    ['model=gpt&n=1', 'The body is form-encoded (name=value): send a JSON object.'],
    ['<html>', 'The body looks like XML or HTML: send a JSON object.'],
    ['--b1\r\ncontent-disposition: form-data', 'The body is a multipart form: send a JSON object.'],
    ['\uFEFF{}', 'The body begins with a byte order mark (EF BB BF), which JSON does not have: send UTF-8 without it.'],
  ])('%j: %s', (text, fault) => {
    expect(faultOf(text)).toBe(fault)
  })

  it.each([
    ['{"a":1,}', 'at byte 8 (line 1, column 8) there is "}" right after a comma: take the comma out'],
    ['[1,]', 'at byte 4 (line 1, column 4) there is "]" where a value should be: is there a comma too many?'],
    ["{'a':1}", 'at byte 2 (line 1, column 2) there is a single quote: names stand in double quotes'],
    ['{"a":\'b\'}', 'at byte 6 (line 1, column 6) there is a single quote: strings stand in double quotes'],
    ['{a:1}', 'at byte 2 (line 1, column 2) there is a name without double quotes'],
    ['{\n  "é": True}', 'at byte 11 (line 2, column 8) there is True: JSON has true'],
    ['{"a":NaN}', 'at byte 6 (line 1, column 6) there is NaN: JSON has no such number'],
    ['{"a":1', 'at byte 7 (line 1, column 7) it ends before the JSON does: was it cut off?'],
    ['{"a":"b', 'at byte 8 (line 1, column 8) it ends inside a string: was it cut off?'],
    ['{"a":tru', 'at byte 6 (line 1, column 6) it ends inside a word: was it cut off?'],
    ['{"a":1.', 'at byte 8 (line 1, column 8) it ends inside a number: was it cut off?'],
    ['{"a":01}', 'at byte 6 (line 1, column 6) there is a number with a leading zero'],
    ['{"a":1 "b":2}', 'at byte 8 (line 1, column 8) there is a double quote where "," or "}" should be'],
    ['{"a" 1}', 'at byte 6 (line 1, column 6) there is a digit where ":" should be'],
    ['{"a":[1}', 'at byte 8 (line 1, column 8) there is "}" where "]" should be'],
    ['{"a":1}}', 'at byte 8 (line 1, column 8) there is "}" after the end of the JSON'],
    ['{"a":1}\n{"b":2}', 'at byte 9 (line 2, column 1) there is "{" after the end of the JSON'],
    ['// c\n{}', 'at byte 1 (line 1, column 1) there is a comment, which JSON does not have'],
    [
      '{"a":"b\nc"}',
      'at byte 8 (line 1, column 8) there is a line break inside a string: write it as an escape, such as \\n or \\t',
    ],
    [
      '{"a":"C:\\dir"}',
      'at byte 9 (line 1, column 9) there is \\ before a letter, which is no escape of JSON: a backslash is written \\\\',
    ],
    ['{"a":sk-secret}', 'at byte 6 (line 1, column 6) there is a word without double quotes'],
  ])('%j: %s', (text, what) => {
    expect(faultOf(text)).toBe(`The body is not valid JSON: ${what}${what.endsWith('?') ? '' : '.'}`)
  })

  it.each([
    [Buffer.from('{"a":1}', 'utf16le'), /UTF-16/],
    [Buffer.from([0xff, 0xfe, 0x7b, 0]), /UTF-16/],
    [Buffer.from([0x1f, 0x8b, 8]), /gzip/],
  ])('%j', (body, fault) => {
    expect(jsonObjectFault(body)).toMatch(fault)
  })
})

it('finds a fault in exactly the texts that JSON.parse refuses or that are no object', () => {
  const pieces = fc.constantFrom(
    ...'{}[],:"\\\n 0-+.eEu1a/',
    '"a"',
    'true',
    'null',
    '\\u00e9',
    '1e5',
    "'",
    'é',
    '{"a":',
    '\t',
  )
  const anyText = fc.array(pieces, { maxLength: 12 }).map((all) => all.join(''))
  // Of each document, many faulty texts: a document takes longer to generate than to check.
  const faulty = fc
    .tuple(fc.json(), fc.array(fc.tuple(fc.nat(40), pieces), { minLength: 10, maxLength: 10 }))
    .map(([json, places]) => [json, ...places.map(([at, piece]) => json.slice(0, at) + piece + json.slice(at))])
  const texts = fc.oneof(fc.array(anyText, { minLength: 11, maxLength: 11 }), faulty)
  const { stackTraceLimit } = Error
  // Most of the time would go into the stacks of JSON.parse's errors.
  Error.stackTraceLimit = 0
  try {
    fc.assert(
      fc.property(texts, (all) => {
        const isWrong = (text: string) => (faultOf(text) === undefined) !== isJsonObject(text)
        expect(all.filter(isWrong)).toEqual([])
      }),
      { numRuns: 2_000 },
    )
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
})

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
  } catch {
    return false
  }
}

it('never throws, whatever the bytes are, and takes time in proportion to their number', () => {
  fc.assert(fc.property(fc.uint8Array(), (bytes) => ['string', 'undefined'].includes(typeof jsonObjectFault(bytes))))
  expect(jsonObjectFault(Buffer.from('{"a":'.repeat(1_000_000)))).toMatch(/cut off/)
})
