import fc from 'fast-check'
import { expect, it } from 'vitest'
import { ambiguousMember, foldedName, memberWatch } from './ambiguous-member.ts'

const NAMES = ['model', 'models', 'tools', 'base_model', 'baseModel']
const find = (json: string, everywhere = false) => ambiguousMember(Buffer.from(json), memberWatch(NAMES, everywhere))

it.each([
  ['{"model":"a","model":"b"}', 'model'],
  ['{"model":"a","x":[{"y":"}\\"{"}],"model":"a"}', 'model'],
  ['{"model":"a","mod\\u0065l":"b"}', 'model'],
  ['{"Model":"a"}', 'Model'],
  ['{"MODEL":"a"}', 'MODEL'],
  ['{"m\\u004fdel":"a"}', 'mOdel'],
  ['{"modelſ":[]}', 'modelſ'],
  ['{"model\\u0000":"a"}', 'model\0'],
  ['{" model":"a"}', ' model'],
  ['{"tools":[],"tools":[]}', 'tools'],
  ['{"tools":[{"model":"a"},{"x":1,"Model":"b"}]}', 'Model'],
  ['{"tools":[[1,{"model":"a","model":"b"}]]}', 'model'],
  ['{"base_model":"a","baseModel":"b"}', 'baseModel'],
  ['{"x":{},"tools":{"tools":{"model":1,"model":2}}}', 'model'],
])('finds in %s %j', (json, name) => {
  expect(find(json)).toBe(name)
})

it.each([
  '{"model":"a"}',
  '{"model":"a","x":{"model":"b","Model":"c"}}',
  '{"model":"a","text":"\\",\\"model\\":\\"b"}',
  '{"tools":[{"model":"a"},{"model":"b"}],"model":"c"}',
  '{"tools":[{"function":{"properties":{"Model":{},"model":{}}}}]}',
  '{"tools":["model","Model"],"model":"MODEL"}',
  '{"x":["model",{"Model":1}],"y":1}',
  '{"baseModel":"a"}',
  '[]',
  '"model"',
  '{}',
])('finds nothing in %s', (json) => {
  expect(find(json)).toBeUndefined()
})

it('looks into every object where it is to', () => {
  expect(find('{"x":{"y":[{"Model":"c"}]}}', true)).toBe('Model')
  expect(find('{"x":{"model":"a","z":{},"model":"b"}}', true)).toBe('model')
  expect(find('{"x":{"model":"a"},"model":"b"}', true)).toBeUndefined()
})

/** A JSON value in which an object is a list of members, so that it can have one twice. */
type Tree = { readonly members: readonly (readonly [string, Tree])[] } | { readonly elements: readonly Tree[] } | string

const names = fc.oneof(
  fc.constantFrom(...NAMES, 'Model', 'MODELS', 'toolS', 'x', 'y', 'model"', 'mo del', 'modelſ', ''),
  fc.string({ maxLength: 3 }),
)
const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 5 },
    fc.oneof(fc.constantFrom('model', '{"model":1,"model":2}', '\\', '"', ']}'), fc.string()),
    fc.record({ members: fc.array(fc.tuple(names, tie('tree')), { maxLength: 5 }) }),
    fc.record({ elements: fc.array(tie('tree'), { maxLength: 4 }) }),
  ),
}))

function textOf(value: Tree, space: string): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if ('elements' in value)
    return `[${value.elements.map((element) => space + textOf(element, space)).join(',')}${space}]`
  const members = value.members.map(([name, held]) => `${space}${JSON.stringify(name)}${space}:${textOf(held, space)}`)
  return `{${members.join(`${space},`)}${space}}`
}

/** Returns the expected findings, in the order of the text, by the definition alone. */
function bruteForce(value: Tree, everywhere: boolean, isWatched = true): string | undefined {
  if (typeof value === 'string' || !isWatched) return undefined
  if ('elements' in value) {
    for (const element of value.elements) {
      const found = bruteForce(element, everywhere)
      if (found !== undefined) return found
    }
    return undefined
  }
  const seen = new Set<string>()
  for (const [name, held] of value.members) {
    const folded = foldedName(name)
    const isNamed = NAMES.some((known) => foldedName(known) === folded)
    if (isNamed && (seen.has(folded) || !NAMES.includes(name))) return name
    seen.add(folded)
    const found = bruteForce(held, everywhere, everywhere || isNamed)
    if (found !== undefined) return found
  }
  return undefined
}

it('finds what there is, whatever the document', () => {
  fc.assert(
    fc.property(tree, fc.boolean(), fc.constantFrom('', ' ', '\n\t'), (value, everywhere, space) => {
      expect(find(textOf(value, space), everywhere)).toBe(bruteForce(value, everywhere))
    }),
    { numRuns: 5_000 },
  )
})

it('ends for text that is not JSON, too', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('{', '}', '[', ']', '"', ',', ':', 'm', '\\') }), (text) => {
      expect(find(text.replaceAll('\\', ''), true)).toSatisfy(
        (found) => found === undefined || typeof found === 'string',
      )
    }),
  )
})
