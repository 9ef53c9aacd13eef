import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SecretRedactor } from './secret-redactor.ts'

const KEY = 'sk-1f0e9d8c7b6a5f4e'
const REDACTED = '[redacted]'
const SHORT = ['x', '-', 'none', '0', '8', 'a', '/', 'json', 'EMPTY', 'ollama', 'a.b', '$&']
const of = (...secrets: string[]) => new SecretRedactor(secrets)

it('returns the same objects if they hold no secret', () => {
  const redaction = of(KEY, 'none')
  const body = Buffer.from('nothing, none')
  const headers = { 'content-type': 'text/plain', 'x-list': ['a', 'b'], vary: undefined }
  expect(redaction.body(body)).toBe(body)
  expect(redaction.error(body)).toBe(body)
  expect(redaction.headers(headers)).toBe(headers)
  expect(redaction.errorText('None')).toBe('None')
})

it('redacts a key in a whole body that ends with a part of it, and in every header', () => {
  const redaction = of(KEY)
  expect(redaction.body(Buffer.from(`${KEY} sk-1f`)).toString()).toBe(`${REDACTED} sk-1f`)
  expect(redaction.errorText(`“No ${KEY}”, s`)).toBe(`“No ${REDACTED}”, s`)
  const headers = { location: `/?key=${KEY}`, 'x-list': ['a', KEY, 'é'], 'content-type': `a/b; c=${KEY}` }
  expect(redaction.headers(headers)).toEqual({
    location: `/?key=${REDACTED}`,
    'x-list': ['a', REDACTED, 'é'],
    'content-type': `a/b; c=${REDACTED}`,
  })
})

describe('a key that may be part of any text', () => {
  const HEADERS = {
    'content-type': 'text/event-stream; charset=utf-8',
    'content-length': '2680',
    date: 'Mon, 10 Aug 2026 08:00:08 GMT',
    'x-request-id': 'req-none-1',
    'x-ratelimit-limit-requests': '80',
    'access-control-allow-headers': 'x-api-key, x, a, none, json',
  }
  const WORDS = [
    'max_tokens exceeds the context; tool_choice none or auto',
    'Unexpected token x in JSON at position 0: a / - 8 ollama EMPTY',
    '{"cache_key":"none","response_format":"json","usage":{"total_tokens":0},"token":8}',
  ]

  it.each(SHORT)('%s stays in other words and headers', (key) => {
    const redaction = of(key)
    expect(redaction.headers(HEADERS)).toBe(HEADERS)
    for (const text of WORDS.slice(0, 2)) {
      expect(redaction.error(Buffer.from(text)).toString()).toBe(text)
      expect(redaction.errorText(text)).toBe(text)
    }
    const stream = redaction.stream()
    const chunk = Buffer.from(WORDS.join())
    expect(stream.push(chunk)).toBe(chunk)
    expect(stream.end()).toHaveLength(0)
  })

  it.each(SHORT)('%s is redacted in an error that announces it', (key) => {
    const redaction = of(key)
    const quote = (before: string, after: string) => {
      const text = redaction.error(Buffer.from(`${before}${key}${after}`)).toString()
      expect(text).toBe(`${before}[redacted]${after}`)
    }
    quote('Incorrect API key provided: ', '. See /none/x')
    quote('You sent Bearer ', '')
    quote('{"error":{"message":"Invalid api_key \\"', '\\" was given"}}')
    quote('{"headers":{"x-api-key":"', '"}}')
    quote('wrong key: ', ' (none)')
    quote('/v1/models?key=', '&a=b')
    expect(redaction.errorText(`Bad API key: ${key}`)).toBe('Bad API key: [redacted]')
    expect(redaction.headers({ 'www-authenticate': `Bearer ${key}` })).toEqual({
      'www-authenticate': 'Bearer [redacted]',
    })
    expect(redaction.headers({ location: `https://a/?key=${key}` })).toEqual({ location: 'https://a/?key=[redacted]' })
  })

  it('is searched for in linear time, whatever an error holds', () => {
    const redaction = of('none')
    for (const unit of [' ', 'key', 'api key ', 'key: ', '\\', 'bearer is ']) {
      const body = Buffer.from(`api key${unit.repeat(1_000_000 / unit.length)}`)
      const startMs = performance.now()
      expect(redaction.error(body).length).toBe(body.length)
      expect(performance.now() - startMs).toBeLessThan(2_000)
    }
  })
})

it('ignores an empty secret', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      const body = Buffer.from(bytes)
      expect(of('').error(body)).toBe(body)
    }),
  )
})

it.each(['x', '-', 'e', '4', 'auto', 'a"%b'])(
  'redacts the short key %s escaped for a URL or JSON, if it is announced',
  (key) => {
    for (const spelling of [key, encodeURIComponent(key), JSON.stringify(key).slice(1, -1)]) {
      expect(of(key).errorText(`Wrong API key: ${spelling}, try again.`)).toBe(`Wrong API key: ${REDACTED}, try again.`)
      for (const text of [
        'max_tokens exceeds 4096 - use auto, or next-text-4',
        'gpt-4.1-mini',
        'the key-auto model x',
      ]) {
        expect(of(key).errorText(text)).toBe(text)
      }
    }
  },
)

it.each([
  ['unchanged', (secret: string) => secret],
  ['in a URL', encodeURIComponent],
  ['in JSON', (secret: string) => JSON.stringify(secret).slice(1, -1)],
])('redacts a key %s, as often as it appears', (_, spell) => {
  const secret = 'sk-abcdefghijklmnop"\\%0123456789'
  const text = `wrong key ${spell(secret)}, twice: ${spell(secret)}.`
  expect(of('another-one', secret).errorText(text)).toBe(`wrong key ${REDACTED}, twice: ${REDACTED}.`)
})

it('redacts a key of words as a whole, and leaves the words', () => {
  const redactor = of('sk-no-key-required')
  expect(redactor.errorText('An API key is required: sk-no-key-required')).toBe(`An API key is required: ${REDACTED}`)
})

describe('what a provider shows of a wrong key', () => {
  const redaction = of('sk-upstream-0123456789abcdef')
  it.each([
    ['Incorrect API key provided: sk-upstr****cdef.', 'Incorrect API key provided: [redacted].'],
    ['Incorrect API key provided: sk-ups***.', 'Incorrect API key provided: [redacted].'],
    ['Your api key: ****cdef is invalid', 'Your api key: [redacted] is invalid'],
    ['Received API Key = sk-...cdef, unknown', 'Received API Key = [redacted], unknown'],
    ['Key sk-upst…ef', 'Key [redacted]'],
    ['Key ••••cdef', 'Key [redacted]'],
    ['Key sk-upstxxxxxxxxcdef', 'Key [redacted]'],
    ['"Key sk-upst\\u2026cdef"', '"Key [redacted]"'],
    ['The key ending in "cdef" is revoked', 'The key ending in "[redacted]" is revoked'],
    ['Wait ... and see **bold**, sk-other, cdef', 'Wait ... and see **bold**, sk-other, cdef'],
  ])('is redacted in an error: %s', (text, expected) => {
    expect(redaction.error(Buffer.from(text)).toString()).toBe(expected)
    expect(redaction.errorText(text)).toBe(expected)
  })

  it('is searched for in linear time', () => {
    const text = '*'.repeat(100_000) + '.'.repeat(100_000)
    const beganAt = process.cpuUsage()
    expect(redaction.errorText(text)).toBe(text)
    const { user, system } = process.cpuUsage(beganAt)
    // A quadratic search takes 20 seconds.
    expect((user + system) / 1_000).toBeLessThan(3_000)
  })
})
