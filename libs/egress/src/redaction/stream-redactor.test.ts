import { hash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isDistinctive } from './distinctive.ts'
import { SecretIndex } from './secret-index.ts'
import { StreamRedactor } from './stream-redactor.ts'

const ALPHANUMERIC = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'
const VISIBLE = Array.from({ length: 94 }, (_, index) => String.fromCharCode(0x21 + index)).join('')
const KEY = 'sk-proj-7Qm2Zx9LpR4tVb8NcK1wYd6H'

const textOf = (alphabet: string, minLength: number, maxLength: number) =>
  fc.string({ unit: fc.constantFrom(...alphabet), minLength, maxLength })
const secrets = fc
  .oneof(textOf(ALPHANUMERIC, 16, 60), textOf(`${ALPHANUMERIC}+/=`, 16, 300), textOf(VISIBLE, 16, 60))
  .filter(isDistinctive)

const json = (text: string) => JSON.stringify(text).slice(1, -1)
const each =
  (escaped: (code: number) => string, which = /./g) =>
  (text: string) =>
    text.replaceAll(which, (char) => escaped(char.charCodeAt(0)))
const hex = (code: number, digits = 2) => code.toString(16).padStart(digits, '0')
const SIGNS = /[^a-z0-9]/gi
/** The ways in which servers and libraries write what they quote. */
const WRITERS: Readonly<Record<string, (text: string) => string>> = {
  plain: (text) => text,
  JSON: json,
  'JSON in JSON': (text) => json(json(text)),
  'PHP’s JSON': (text) => json(text).replaceAll('/', '\\/'),
  'Go’s JSON': (text) => json(text).replaceAll(/[<>&]/g, (char) => `\\u${hex(char.charCodeAt(0), 4)}`),
  '.NET’s JSON': each((code) => `\\u${hex(code, 4).toUpperCase()}`, /["'<>&+`\\]/g),
  'Gson’s JSON in JSON': (text) => json(each((code) => `\\u${hex(code, 4)}`, /["'<>&=\\]/g)(text)),
  URL: encodeURIComponent,
  'URL in lower case': each((code) => `%${hex(code)}`, SIGNS),
  'URL in URL': (text) => encodeURIComponent(encodeURIComponent(text)),
  HTML: (text) =>
    text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;'),
  'HTML by decimal numbers': each((code) => `&#${code};`, SIGNS),
  'HTML by hexadecimal numbers': each((code) => `&#x${hex(code)};`, SIGNS),
  'JSON of escapes alone': each((code) => `\\u${hex(code, 4)}`),
  'JSON of escapes alone, in upper case': each((code) => `\\u${hex(code, 4).toUpperCase()}`),
  'URL of escapes alone': each((code) => `%${hex(code)}`),
}
const writers = fc.constantFrom(...Object.values(WRITERS))

/** Cases for one secret: an index takes longer to create than everything that is tried with it. */
const casesOf = <Case>(one: fc.Arbitrary<Case>) => fc.array(one, { minLength: 8, maxLength: 8 })

/** Returns all that comes out, with the bytes cut into pieces of these sizes in turn, and what each piece brought. */
function redacted(
  bytes: Buffer,
  secretsIn: readonly string[] | SecretIndex,
  sizes: readonly number[] = [bytes.length || 1],
) {
  const redactor = new StreamRedactor(secretsIn instanceof SecretIndex ? secretsIn : new SecretIndex(secretsIn))
  const passed: Buffer[] = []
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1
    passed.push(redactor.push(bytes.subarray(at, at + size)))
    at += size
  }
  return { passed, text: Buffer.concat([...passed, redactor.end()]).toString('latin1') }
}

const filler = (length: number) => (length < 10 ? '*'.repeat(length) : '[redacted]'.padEnd(length, '*'))

/**
 * Returns whether `result` is a redacted secret in this writing: filler, behind the characters that began
 * in its first three bytes, which may have been passed on before the others were there. An escape is one character.
 */
function isTakenOut(result: string, written: string): boolean {
  const characters = written.match(/\\u[0-9a-f]{4}|\\?./gis) ?? []
  for (let shown = 0, index = 0; ; index++) {
    if (result === written.slice(0, shown) + filler(written.length - shown)) return true
    if (shown >= 3) return false
    shown += characters[index]?.length ?? written.length
  }
}

/** Returns whether its last backslash makes an escape of the next character. Such an escape stays whole. */
function endsInEscape(written: string): boolean {
  return /(?<!\\)(?:\\\\)*\\$/.test(written)
}

/** Returns whether `text` has a run of the secret in this writing that counts; looked for in the plainest way. */
function shows(text: string, secret: string, write: (text: string) => string): boolean {
  for (let start = 0; start < secret.length; start++) {
    // A longer run contains the shortest one: characters are written one by one.
    if (!text.includes(write(secret.slice(start, start + 9)))) continue
    for (let end = start + 9; end <= Math.min(secret.length, start + 24); end++) {
      const run = secret.slice(start, end)
      if (isDistinctive(run) && text.includes(write(run))) return true
    }
  }
  return false
}

const sizesOf = (max: number) => fc.array(fc.integer({ min: 1, max }), { minLength: 1, maxLength: 5 })
/** Like the unit `binary`, which takes a second to prepare. */
const anyCharacter = fc
  .nat({ max: 0x10ffff - 0x800 })
  .map((number) => String.fromCodePoint(number < 0xd800 ? number : number + 0x800))
const noise = fc.oneof(
  fc.string({ unit: fc.constantFrom(...VISIBLE, '\n', '\\', '"', '%', '&', '\\u00', '\\\\') }),
  fc.string({ unit: anyCharacter }),
)

it('a secret is replaced by as many bytes, whole or in part, however it is written and cut into chunks', () => {
  const parts = fc.array(fc.record({ noise, cut: fc.tuple(fc.nat(), fc.nat()), whole: fc.boolean() }), { maxLength: 4 })
  const written = fc.tuple(...Object.keys(WRITERS).map(() => fc.tuple(parts, sizesOf(80))))
  fc.assert(
    fc.property(secrets, written, (secret, cases) => {
      const index = new SecretIndex([secret])
      for (const [number, [writer, write]] of Object.entries(WRITERS).entries()) {
        const [parts, sizes] = cases[number] ?? expect.fail()
        const text = parts
          .map(({ noise, cut: [start, length], whole }) => {
            const from = start % secret.length
            return noise + write(whole ? secret : secret.slice(from, from + (length % secret.length)))
          })
          .join('')
        const bytes = Buffer.from(text)
        const result = redacted(bytes, index, sizes).text
        expect([writer, result.length]).toEqual([writer, bytes.length])
        expect([writer, shows(result, secret, write)]).toEqual([writer, false])
      }
    }),
    { numRuns: 150 },
  )
})

it('every byte outside a secret stays, and the given buffer is not changed', () => {
  fc.assert(
    fc.property(fc.array(secrets, { maxLength: 3 }), casesOf(fc.tuple(noise, sizesOf(40))), (all, cases) => {
      const index = new SecretIndex(all)
      for (const [text, sizes] of cases) {
        const bytes = Buffer.from(text)
        const before = Buffer.from(bytes)
        expect(redacted(bytes, index, sizes).text).toBe(bytes.toString('latin1'))
        expect(bytes.equals(before)).toBe(true)
      }
    }),
  )
  const bytes = Buffer.from(`a ${KEY} b`)
  redacted(bytes, [KEY])
  expect(bytes.toString()).toBe(`a ${KEY} b`)
})

it('the text around a secret stays', () => {
  fc.assert(
    fc.property(secrets, casesOf(fc.tuple(writers, sizesOf(50))), (secret, cases) => {
      const index = new SecretIndex([secret])
      for (const [write, sizes] of cases) {
        const written = write(secret)
        if (endsInEscape(written)) continue
        const around = ['{"a":"é ', ' ","b":"', '"}\n'] as const
        const result = redacted(Buffer.from(around.join(written)), index, sizes).text
        const shown = around.map((part) => Buffer.from(part).toString('latin1'))
        const firstAt = shown[0]?.length ?? 0
        const secondAt = firstAt + written.length + (shown[1]?.length ?? 0)
        const places = [firstAt, secondAt].map((at) => result.slice(at, at + written.length))
        expect(result).toBe([shown[0], places[0], shown[1], places[1], shown[2]].join(''))
        expect(
          places.every((place) => isTakenOut(place, written)),
          result,
        ).toBe(true)
      }
    }),
  )
})

it('JSON stays JSON, whatever is next to a secret and wherever it is cut', () => {
  const beside = fc.array(fc.oneof(fc.string(), fc.constantFrom('\n', '\\', '"', '\u0001', 'é')), { maxLength: 5 })
  fc.assert(
    fc.property(
      // A quote at the edge of its run may be the one around the text.
      secrets.filter((secret) => !secret.includes('"')),
      casesOf(fc.tuple(beside, fc.tuple(fc.nat(), fc.nat()), writers, sizesOf(30))),
      (secret, cases) => {
        const index = new SecretIndex([secret])
        for (const [beside, [start, length], write, sizes] of cases) {
          const run = secret.slice(start % secret.length, (start % secret.length) + 9 + length)
          const text = beside.join(run)
          const document = `{"a":${JSON.stringify(text)},"b":"${write === WRITERS.plain ? '' : json(write(secret))}"}`
          expect(() => JSON.parse(redacted(Buffer.from(document), index, sizes).text)).not.toThrow()
        }
      },
    ),
    { numRuns: 250 },
  )
})

it.each([
  ['n', `\\${'n4bcD9fGh1jKlM7oP'}`],
  ['41', `\\u00${'41bcD9fGh1jKlM7oPq'}`],
  ['a backslash', `\\\\${'4bcD9fGh1jKlM7oPqR'}`],
])('an escape stays whole if the secret after it begins with its last characters: %s', (_, written) => {
  const secret = written.replace(/^\\+(u00)?/, '')
  for (const size of [1, 2, 3, 100]) {
    const { text } = redacted(Buffer.from(`"${written}"`), [secret], [size])
    expect(() => JSON.parse(text)).not.toThrow()
    expect(text).not.toContain(secret.slice(4))
  }
})

it.each([
  'aB3dE5fG7\\u4h1J2k3',
  'aB3dE5fG7\\!!!!!!!!!!',
  'aB3dE5fG7\\\\u0j2K',
  'aB3dE5fG7%2%25k1J2',
  'aB3dE5fG7&amp;#3x1J2',
])('a secret that looks like its own escapes is redacted whole: %s', (secret) => {
  const index = new SecretIndex([secret])
  for (const write of Object.values(WRITERS)) {
    const text = `"${write(secret)}"\n`
    for (let first = 1; first < text.length; first++) {
      const result = redacted(Buffer.from(text), index, [first, 3]).text
      expect([result[0], result.slice(-2)]).toEqual(['"', '"\n'])
      expect([result, isTakenOut(result.slice(1, -2), text.slice(1, -2))]).toEqual([result, true])
    }
  }
})

describe('the redactor holds back', () => {
  const event = (text: string) =>
    Buffer.from(`data: ${JSON.stringify({ choices: [{ delta: { content: text } }] })}\n\n`)

  it('nothing of events, or of a chunk that does not end with part of a secret', () => {
    const redactor = new StreamRedactor(new SecretIndex([KEY]))
    for (const chunk of [event('Hi'), event('sk-proj'), Buffer.from('{"a":"s"}'), Buffer.from('no key for you!')]) {
      expect(redactor.push(chunk)).toBe(chunk)
    }
  })

  it('nothing of random frames, as binary streams have', () => {
    const redactor = new StreamRedactor(new SecretIndex([KEY, `${ALPHANUMERIC}+/=`, VISIBLE]))
    const random = Array.from({ length: 10_000 }, (_, number) => hash('sha512', `${number}`, 'buffer'))
    const each = Array.from({ length: 256 }, (_, byte) => Buffer.from([0, byte]))
    expect([...random, ...each].filter((frame) => !redactor.push(frame).equals(frame))).toEqual([])
    expect(redactor.end()).toHaveLength(0)
  })

  it('at least four bytes, so that at most the first three of a secret appear, however small the chunks are', () => {
    fc.assert(
      fc.property(secrets, casesOf(fc.tuple(writers, sizesOf(3), noise)), (secret, cases) => {
        const index = new SecretIndex([secret])
        for (const [write, sizes, before] of cases) {
          if (endsInEscape(write(secret))) continue
          const bytes = Buffer.from(`${before}\n${write(secret)}`)
          const redactor = new StreamRedactor(index)
          const start = Buffer.byteLength(`${before}\n`)
          const first = redactor.push(bytes.subarray(0, start + 3)).length
          expect(first).toBe(start + 3)
          expect(redactor.push(bytes.subarray(start + 3, start + 5))).toHaveLength(0)
          const { text } = redacted(bytes, index, sizes)
          expect(isTakenOut(text.slice(start), bytes.toString('latin1', start))).toBe(true)
        }
      }),
    )
  })

  it('at most the secret’s longest spelling', () => {
    fc.assert(
      fc.property(secrets, casesOf(fc.tuple(writers, sizesOf(9))), (secret, cases) => {
        const index = new SecretIndex([secret])
        for (const [write, sizes] of cases) {
          const bytes = Buffer.from(write(secret).repeat(3))
          let heldBytes = 0
          let mostHeldBytes = 0
          let at = 0
          for (const [turn, passed] of redacted(bytes, index, sizes).passed.entries()) {
            const size = Math.min(sizes[turn % sizes.length] ?? 1, bytes.length - at)
            at += size
            heldBytes += size - passed.length
            mostHeldBytes = Math.max(mostHeldBytes, heldBytes)
          }
          expect(mostHeldBytes).toBeLessThanOrEqual(8 * secret.length + 6)
        }
      }),
      { numRuns: 25 },
    )
  })
})

it.each([
  ['masked as providers do', 'Incorrect API key provided: sk-proj-********Yd6H.'],
  ['eight characters', 'sk-proj-7Qm2Zx9L…'],
  ['the kind of key alone', 'Keys begin with sk-proj- or sk-ant-api03-.'],
])('what providers show on purpose stays: %s', (_, text) => {
  expect(redacted(Buffer.from(text), [KEY]).text).toBe(Buffer.from(text).toString('latin1'))
})

it.each([
  ['this-is-my-long-password-for-it', 'My password is long: this is the password-reset page for it.'],
  ['local-placeholder-key-0123456789', 'A placeholder, 0123456789, key-012345: placeholder-'],
  ['----------------', '-----------------------------------'],
  ['none', 'none or auto'],
])('words that are part of the secret %s stay', (secret, text) => {
  expect(redacted(Buffer.from(text), [secret]).text).toBe(text)
})

it.each([
  ['of nine characters', KEY, 'Your key 7Qm2Zx9Lp**** is wrong'],
  ['with its prefix', KEY, 'Your key sk-proj-7Qm2Zx9Lp**** is wrong'],
  ['at its end', KEY, 'Your key ****cK1wYd6H8 4tVb8NcK1wYd6H is wrong'],
  ['of words, when long', 'this-is-my-long-password-for-it', 'Wrong: this-is-my-long-p****'],
  ['across two lines of an event', KEY, `data: "${KEY.slice(0, 18)}\ndata: ${KEY.slice(18)}"`],
])('a longer run is redacted: %s', (_, secret, text) => {
  const result = redacted(Buffer.from(text), [secret]).text
  expect(result).toHaveLength(text.length)
  expect(shows(result, secret, (run) => run)).toBe(false)
  expect(result).toMatch(/\*{9}|\[redacted\]/)
})

it('several secrets are redacted together', () => {
  const token = `FwoGZXIvYXdz${ALPHANUMERIC.repeat(12)}==`
  const text = `a ${KEY} b ${token} c ${encodeURIComponent(token)}`
  expect(redacted(Buffer.from(text), [KEY, token]).text).toBe(
    `a ${filler(KEY.length)} b ${filler(token.length)} c ${filler(token.length + 4)}`,
  )
})
