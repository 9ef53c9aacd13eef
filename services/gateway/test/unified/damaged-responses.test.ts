import type { ServerResponse } from 'node:http'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { type FreshConnection, freshConnection } from '../support/fresh-connection.ts'
import { NATIVE_APIS } from '../support/native-calls.ts'
import { startRawUpstream, writePieces } from '../support/raw-upstream.ts'
import { postJson, type RawResponse, sendRequest } from '../support/send-request.ts'
import { startBeforeAll } from '../support/start-before-all.ts'
import { startDataPath } from '../support/start-data-path.ts'

const MESSAGES = [{ role: 'user' as const, content: 'What does a sluice do?' }]

/** Damages a response on its way: some bytes change, the rest from a point on is lost, or the connection is. */
const damages = fc.record({
  changes: fc.array(fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), byte: fc.nat(255) }), { maxLength: 3 }),
  kept: fc.oneof(fc.constant(1), fc.double({ min: 0, max: 1, noNaN: true })),
  breaks: fc.boolean(),
  sizes: fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 4 }),
})

/**
 * Responses of every provider, damaged at random: the application always gets a response or an error in OpenAI's format, in
 * a stream as its last event, and never a part that passes for the whole.
 */
describe.each([
  ['openai', 'gpt-4.1-mini', { streamed: 'streamed chat with a tool' }],
  ['anthropic', 'claude-sonnet-4-6', { whole: 'message with a tool', streamed: 'streamed message with a tool' }],
  ['google', 'gemini-2.5-flash', { whole: 'content with a function', streamed: 'content with a function as events' }],
] as const)('%s', (provider, model, names: { readonly whole?: string; readonly streamed: string }) => {
  const { headers, calls } = NATIVE_APIS[provider]
  let connection: FreshConnection
  const path = startBeforeAll(() => startDataPath({ simulator: { provider } }))
  const upstream = startBeforeAll(startRawUpstream)
  beforeAll(async () => {
    connection = await freshConnection(path.gateway, path.apiKey, { provider, baseUrl: upstream.url })
  })

  it.each(Object.entries(names))('%s', async (kind, name) => {
    const stream = kind === 'streamed'
    const call = calls[name]
    if (call === undefined) throw new Error(`there is no call "${name}"`)
    const sound = await sendRequest(path.simulator.url + call.path, {
      method: 'POST',
      headers: { ...headers('sk-upstream'), 'content-type': 'application/json' },
      body: JSON.stringify(call.body),
    })
    const body = { model: `${connection.settings.name}/${model}`, messages: MESSAGES, stream }
    await fc.assert(
      fc.asyncProperty(damages, async (damage) => {
        upstream.respond = (_request, response) => void writeDamaged(response, sound, damage)
        const clientResponse = await postJson(`${path.gateway.url}/v1/chat/completions`, path.apiKey, body)
        expectOpenAi(clientResponse, stream)
      }),
      { numRuns: 60, examples: [[{ changes: [], kept: 1, breaks: false, sizes: [1_000] }]] },
    )
    await connection.isSettled()
    expect(path.gateway.logs()).not.toContain('"level":50')
  })
})

type Damage = typeof damages extends fc.Arbitrary<infer Value> ? Value : never

async function writeDamaged(
  response: ServerResponse,
  { headers, body }: RawResponse,
  { changes, kept, breaks, sizes }: Damage,
): Promise<void> {
  const damaged = Buffer.from(body)
  for (const { at, byte } of changes) damaged[Math.floor(at * body.length)] = byte
  response.writeHead(200, { 'content-type': headers['content-type'] })
  const rest = damaged.subarray(0, Math.floor(kept * body.length))
  if (breaks) response.write(rest, () => response.destroy())
  else await writePieces(response, rest, sizes)
}

function expectOpenAi({ status, body }: RawResponse, stream: boolean): void {
  const text = body.toString()
  if (status !== 200) {
    expect([status, JSON.parse(text)]).toEqual([
      // 422: the body was understood, and says why it has no result.
      expect.toBeOneOf([422, 502]),
      { error: expect.objectContaining({ message: expect.any(String) }) },
    ])
  } else if (stream) {
    const data = text.split(/\r\n|\r|\n/).filter((line) => line.startsWith('data: '))
    expect(data.at(-1)).toMatch(/^data: (?:\[DONE\]$|\{"error":)/)
  } else {
    expect(JSON.parse(text)).toMatchObject({ object: 'chat.completion', choices: [{ message: { role: 'assistant' } }] })
  }
}
