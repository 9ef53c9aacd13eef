import type { ProviderId } from '@sluice/contracts'
import { describe, expect, it } from 'vitest'
import { providerAdapter } from './adapters.ts'

/** Files in base64: what is text to the model counts with its bytes, anything else by its size, within bounds. */
const CSV = 'day,station,level\n2026-03-01,north,4.71\n'.repeat(5_000)
const TEXT_BYTES = Buffer.byteLength(CSV)
const DATA = Buffer.from(CSV).toString('base64')

type Wire = (kind: string, data: string) => readonly [ProviderId, path: string, body: object]
const chatFile = (file: object) => ({ model: 'gpt-5', messages: [{ role: 'user', content: [{ type: 'file', file }] }] })
const WIRES: Readonly<Record<string, Wire>> = {
  'OpenAI, chat': (type, data) => [
    'openai',
    '/v1/chat/completions',
    chatFile({ filename: 'f', file_data: `data:${type};base64,${data}` }),
  ],
  'OpenAI, responses': (type, data) => [
    'openai',
    '/v1/responses',
    { model: 'gpt-5', input: [{ content: [{ type: 'input_file', file_data: `data:${type};base64,${data}` }] }] },
  ],
  Anthropic: (media_type, data) => [
    'anthropic',
    '/v1/messages',
    {
      model: 'claude-sonnet-4-6',
      messages: [{ content: [{ type: 'document', source: { type: 'base64', media_type, data } }] }],
    },
  ],
  Google: (mimeType, data) => [
    'google',
    '/v1beta/models/gemini-2.5-flash:generateContent',
    { contents: [{ parts: [{ inlineData: { mimeType, data } }] }] },
  ],
  'Claude on Bedrock': (media_type, data) => [
    'aws-bedrock',
    '/model/anthropic.claude-sonnet-4-6/invoke',
    { messages: [{ content: [{ type: 'document', source: { type: 'base64', media_type, data } }] }] },
  ],
}
const converse: Wire = (format, data) => [
  'aws-bedrock',
  '/model/amazon.nova-pro-v1:0/converse',
  { messages: [{ content: [{ document: { format, name: 'd', source: { bytes: data } } }] }] },
]

const TEXT_TYPES = [
  'text/csv',
  'text/plain; charset=utf-8',
  'application/json',
  'application/ld+json',
  'application/x-yaml',
]

describe('a text file in base64 counts about its bytes', () => {
  const cases = Object.keys(WIRES).flatMap((wire) => TEXT_TYPES.map((type) => [wire, type] as const))

  it.each(cases)('%s: %s', (wire, type) => {
    expectText(inspect(WIRES[wire]?.(type, DATA)))
  })

  it.each(['csv', 'txt', 'md', 'html'])('Converse: %s', (format) => expectText(inspect(converse(format, DATA))))

  it.each(['table.csv', 'notes.md', 'main.py', 'data.JSON'])('by its name alone: %s', (filename) => {
    const file = { filename, file_data: `data:application/octet-stream;base64,${DATA}` }
    expectText(inspect(['openai', '/v1/chat/completions', chatFile(file)]))
    expectText(inspect(['openai', '/v1/chat/completions', chatFile({ filename, file_data: DATA })]))
  })
})

describe('any other file counts by its size, within bounds', () => {
  const PDF = 'A'.repeat(8_000_000)

  it.each(Object.keys(WIRES))('%s', (wire) => expectBounded(inspect(WIRES[wire]?.('application/pdf', PDF))))

  it.each(['pdf', 'docx', 'xls'])('Converse: %s', (format) => expectBounded(inspect(converse(format, PDF))))

  it('a file that is only named has no bytes to count', () => {
    const { mediaTokens } = inspect([
      'openai',
      '/v1/chat/completions',
      chatFile({ filename: 'a.csv', file_id: 'file-1' }),
    ])
    expect(mediaTokens).toBe(1_000)
  })
})

function expectText({ mediaParts, mediaTokens = 0, promptBytes }: ReturnType<typeof inspect>): void {
  expect(mediaParts).toBe(1)
  expect(TEXT_BYTES / mediaTokens).toBeGreaterThan(2)
  expect(TEXT_BYTES / mediaTokens).toBeLessThan(4.5)
  // The base64 itself is no text.
  expect(promptBytes).toBeLessThan(40)
}

function expectBounded({ mediaTokens = 0 }: ReturnType<typeof inspect>): void {
  expect(mediaTokens).toBeGreaterThanOrEqual(20 * 560)
  expect(mediaTokens).toBeLessThanOrEqual(20 * 2_000)
}

function inspect(request: ReturnType<Wire> | undefined) {
  const [provider, path, body] = request ?? expect.fail('no such wire')
  const adapter = providerAdapter(provider)
  const operation = adapter.operation('POST', path) ?? expect.fail(`no operation ${path}`)
  return adapter.inspect(operation, body, JSON.stringify(body).length)
}
