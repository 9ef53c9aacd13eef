import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ownMember, withMember } from './json-members.ts'
import { EVERY, parseWithSource, writtenText } from './json-source.ts'

const NAMES = ['model', 'a', '"model', 'mod\\el', 'é', '']

/** JSON text of an object, spelt in one of many ways, in which names may come twice. */
const objectText = fc
  .array(fc.tuple(fc.constantFrom(...NAMES), fc.jsonValue(), fc.boolean(), fc.nat(2)), { maxLength: 8 })
  .map((members) => {
    const texts = members.map(([name, value, isEscaped, indent]) => {
      const key = isEscaped ? `"${[...name].map((char) => `\\u${code(char)}`).join('')}"` : JSON.stringify(name)
      return `${key}${' '.repeat(indent)}:\n${JSON.stringify(value, null, indent)}`
    })
    return ` {${texts.join(' , ')} } `
  })

function code(char: string): string {
  return char.charCodeAt(0).toString(16).padStart(4, '0')
}

describe('the own member of a document', () => {
  it('is the one that JSON.parse takes, however it is spelt', () => {
    fc.assert(
      fc.property(objectText, (text) => {
        const json = Buffer.from(text)
        const value = JSON.parse(text)
        const span = ownMember(json, 'model')
        expect(span !== undefined).toBe(Object.hasOwn(value, 'model'))
        if (span === undefined) return
        expect(JSON.parse(json.toString('utf8', span.valueStart, span.end))).toEqual(value.model)
      }),
    )
  })

  it('is found among many others of its name', () => {
    const others = '{"model":{"model":1}},'.repeat(20)
    const json = Buffer.from(`{"model":"m","id":12345678901234567890,"list":[${others}0]}`)
    expect(withMember(json, 'model', '"n"').toString()).toBe(json.toString().replace('"m"', '"n"'))
  })

  it('is set, and every other byte stays unchanged', () => {
    fc.assert(
      fc.property(objectText, (text) => {
        const json = Buffer.from(text)
        const changed = withMember(json, 'model', '7').toString()
        expect(JSON.parse(changed)).toEqual({ ...JSON.parse(text), model: 7 })
        const span = ownMember(json, 'model')
        if (span === undefined) expect(changed.replace(/"model":7,?/, '')).toBe(text)
        else expect(changed).toBe(`${json.toString('utf8', 0, span.valueStart)}7${json.toString('utf8', span.end)}`)
      }),
    )
  })

  it.each([
    ['{}', '{"a":1}'],
    [' {\n}', ' {"a":1\n}'],
    ['{"b":2}', '{"a":1,"b":2}'],
  ])('comes first where there was none: %s', (text, expected) => {
    expect(withMember(Buffer.from(text), 'a', '1').toString()).toBe(expected)
  })
})

describe('the text of an object', () => {
  it('is as it was written at the path, and of others as JavaScript writes them', () => {
    const text = '[0, {"a": [ {"x": 1.0 , "10":1, "2":2}, 7, {"x":2.0} ], "b": {"x":3.0}}]'
    const value = parseWithSource(Buffer.from(`{"list":${text}}`), ['list', EVERY, 'a', EVERY])
    const [, { a, b }] = (value as { list: [number, { a: object[]; b: object }] }).list
    expect(a.map(writtenText)).toEqual(['{"x":1.0,"10":1,"2":2}', '7', '{"x":2.0}'])
    expect(writtenText(b)).toBe('{"x":3}')
  })

  it.each([
    ['before it', '{"c":{"a":{"x":2.0}},"list":[{"\\u0061":{"x":1.0}}]}'],
    ['behind it', '{"list":[{"\\u0061":{"x":1.0}}],"c":{"a":{"x":2.0}}}'],
    ['in a string', '{"c\\"a":{"x":2.0},"list":[{"\\u0061":{"x":1.0}}]}'],
  ])('is that of a name with escapes, and not of the name %s', (_, text) => {
    const value = parseWithSource(Buffer.from(text), ['list', EVERY, 'a'])
    expect(writtenText((value as { list: { a: object }[] }).list[0]?.a)).toBe('{"x":1.0}')
  })

  it.each([
    '',
    'null',
    '[]',
    '{',
    '{"a":',
    '\ufeff{"a":{}}',
    '{"a":[{"b":1}]}',
    '{"a":{"b":[]}}',
    '{"a":{"b":{"c":1}}}',
  ])('is not looked for where there is none: %j', (text) => {
    expect(() => parseWithSource(Buffer.from(text), ['a', EVERY, 'b'])).not.toThrow()
  })

  it('is found in time that grows with the document, whatever it holds', { timeout: 5_000 }, () => {
    const units = ['\\"', '\\\\', '{\\"a\\":', 'a', '\\u0061']
    for (const unit of units) {
      const text = `{"z":"${unit.repeat(500_000)}","list":[{"x":1.0}]}`
      const value = parseWithSource(Buffer.from(text), ['list', EVERY])
      expect(writtenText((value as { list: object[] }).list[0])).toBe('{"x":1.0}')
    }
    const members = `{"list":[{"x":1.0}],${Array.from({ length: 50_000 }, (_, index) => `"\\u0061${index}":"list"`).join()}}`
    const value = parseWithSource(Buffer.from(members), ['list', EVERY])
    expect(writtenText((value as { list: object[] }).list[0])).toBe('{"x":1.0}')
  })
})

describe('the text of an object, whatever the JSON', () => {
  /** JSON text in one of many spellings, as it is written and without the white space between its tokens. */
  interface Spelled {
    readonly written: string
    readonly compact: string
  }
  const space = fc.constantFrom('', '', '', ' ', '\n\t', '\r\n  ')
  const names = fc.constantFrom('a', 'x', 'list', '10', '2', '__proto__', 'toJSON', 'é', ' "a" : ', '\\"a').map(quoted)
  const escapedNames = fc.constantFrom('"\\u0061"', '"\\u006c\\u0069st"', '"\\u00e9"', '"\\/"')
  const scalars = fc.oneof(
    fc.constantFrom('1.0', '-0', '1e400', '1E+2', '0.0000001', '1234567890123456789', '7', 'null', 'true', '-1.5'),
    fc.constantFrom(
      '"a"',
      '"x, y : z"',
      '"\\"a\\":{"',
      '"\\\\"',
      '"\\ud800"',
      '"\\u0061"',
      `"${'long '.repeat(30)}\\""`,
    ),
    // Arrays and objects are nested below.
    fc.jsonValue({ maxDepth: 1 }).map((value) => JSON.stringify(value)),
  )
  const join = (open: string, items: readonly Spelled[], close: string, gap: string): Spelled => ({
    written: `${open}${gap}${items.map((item) => item.written).join(`${gap},${gap}`)}${gap}${close}`,
    compact: `${open}${items.map((item) => item.compact).join()}${close}`,
  })
  const { value: spelled, object: spelledObject } = fc.letrec<{ value: Spelled; object: Spelled; array: Spelled }>(
    (tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        scalars.map((text) => ({ written: text, compact: text })),
        tie('array'),
        tie('object'),
      ),
      array: fc
        .tuple(fc.array(tie('value'), { maxLength: 4 }), space)
        .map(([items, gap]) => join('[', items, ']', gap)),
      object: fc
        .tuple(fc.array(fc.tuple(fc.oneof(names, names, escapedNames), tie('value')), { maxLength: 4 }), space)
        .map(([members, gap]) => {
          const items = members.map(([name, item]) => ({
            written: `${name}${gap}:${gap}${item.written}`,
            compact: `${name}:${item.compact}`,
          }))
          return join('{', items, '}', gap)
        }),
    }),
  )

  it('is what was written except for white space, with members of the same name anywhere', () => {
    const items = fc.array(fc.tuple(spelledObject, spelled, fc.boolean()), { minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(items, spelled, spelled, space, fc.boolean(), (list, before, after, gap, isTwice) => {
        const texts = list.map(([object, other, comesFirst]) => {
          const own = `"a"${gap}:${gap}${object.written}`
          return `{${comesFirst ? `${own},"b":${other.written}` : `"b":${other.written},${own}`}}`
        })
        const first = isTwice ? '"list":[{"a":{"a":1.0}}],' : ''
        const text = `{"c":${before.written},${first}"list":[${texts.join(`${gap},`)}]${gap},"d":${after.written}}`
        const value = parseWithSource(Buffer.from(text), ['list', EVERY, 'a']) as { list: { a: object }[] }
        expect(value.list.map(({ a }) => writtenText(a))).toEqual(list.map(([object]) => object.compact))
      }),
      { numRuns: 1_000 },
    )
  })

  function quoted(name: string): string {
    return JSON.stringify(name)
  }
})
