import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { JsonStructure, mayHoldJson } from './json-structure.ts'

function structureOf(text: string, pieceBytes = text.length): JsonStructure {
  const structure = new JsonStructure()
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at += pieceBytes) structure.push(bytes.subarray(at, at + pieceBytes))
  return structure
}

/** The same counts, from the parsed value. */
function countsOf(value: unknown, depth = 0): { members: number; depth: number } {
  if (typeof value !== 'object' || value === null) return { members: 0, depth }
  const within = Object.values(value).map((each) => countsOf(each, depth + 1))
  const own = Array.isArray(value) ? 1 : 1 + within.length
  return {
    members: within.reduce((sum, { members }) => sum + members, own),
    depth: Math.max(depth + 1, ...within.map((each) => each.depth)),
  }
}

describe('the structure of a JSON text', () => {
  it('is counted right, whatever the text holds and however it is cut', () => {
    // Long strings of quotes and backslashes are where a count goes wrong.
    const text = fc.oneof(
      fc.string({ unit: fc.constantFrom('"', '\\', '{', '[', ':', ',', 'a', 'é') }),
      fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 60, maxLength: 9_000 }).map((run) => `${run}"\\${run}{`),
    )
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { depthSize: 'small' },
        text,
        fc.integer(),
        fc.constant(null),
        fc.array(tie('tree'), { maxLength: 5 }),
        fc.dictionary(text, tie('tree'), { maxKeys: 5 }),
      ),
    }))
    fc.assert(
      fc.property(
        tree,
        fc.integer({ min: 1, max: 5_000 }),
        fc.constantFrom(undefined, 1),
        (value, pieceBytes, indent) => {
          const { members, depth, sizeBytes } = structureOf(JSON.stringify(value, undefined, indent), pieceBytes)
          expect({ members, depth }).toEqual(countsOf(value))
          expect(sizeBytes).toBe(Buffer.byteLength(JSON.stringify(value, undefined, indent)))
        },
      ),
    )
  })

  it('counts the items of arrays apart', () => {
    expect(structureOf('[1,2,3]').items).toBe(2)
    expect(structureOf('{"a":1,"b":[1,2],"c":{}}').members).toBe(6)
  })

  it('costs about the same a byte, whatever the strings hold', () => {
    const sizeBytes = 4_000_000
    const plain = nsPerByte('a'.repeat(sizeBytes))
    for (const unit of ['\\n', '\\"', '\\\\', `${'a'.repeat(64)}\\n`, `${'a'.repeat(70)}\\"`, '", "', '[],']) {
      // A search that reads text twice for each escape costs a hundred times as much.
      expect(nsPerByte(unit.repeat(sizeBytes / unit.length)), unit).toBeLessThan(20 + 20 * plain)
    }
  })
})

it.each([
  ['{"arguments":"{}"}', true],
  ['{"\\u0061rguments":"{}"}', true],
  ['{"argu\\u006Dents":"{}"}', true],
  ['{"model":"m","messages":[{"role":"user","content":"An argument.\\n"}]}', false],
  ['', false],
])('says whether a translation may parse text within %s: %s', (text, expected) => {
  expect(mayHoldJson(Buffer.from(text))).toBe(expected)
})

function nsPerByte(content: string): number {
  const text = Buffer.from(`{"a":"${content}"}`)
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round < 3; round++) {
    const structure = new JsonStructure()
    // CPU time: other processes on the machine do not count.
    const began = process.cpuUsage()
    for (let at = 0; at < text.length; at += 65_536) structure.push(text.subarray(at, at + 65_536))
    const { user, system } = process.cpuUsage(began)
    best = Math.min(best, (user + system) * 1e3)
  }
  return best / text.length
}
