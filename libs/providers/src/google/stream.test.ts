import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { arrayStream, CHUNKS, sseStream } from '../../test/fixtures/google/chunks.ts'
import { HELLO, nativeCall, unifiedRequest } from '../../test/fixtures/google/unified-request.ts'
import { cut } from '../../test/fixtures/wire/pieces.ts'
import { DONE_EVENT } from '../unified/response-translators.ts'
import { googleUnified } from './adapter.ts'
import { toGenerateContentCall } from './request.ts'

const SSE = 'text/event-stream'
const JSON_TYPE = 'application/json; charset=utf-8'

/** The content of the deltas of {@link CHUNKS}. */
const DELTAS = [
  { role: 'assistant', content: '' },
  { reasoning_content: 'Deep in thought [{"' },
  { content: 'naïve 🙂 }],"usageMetadata":{"promptTokenCount":999}' },
  { extra_content: { google: { thought_signature: 'EqsFCqgFAb4vvtAF5n87lB4' } } },
  {},
]

/** The last event of a stream that failed. */
const SERVER_ERROR = /^data: \{"error":\{[^\n]*"type":"server_error"[^\n]*\n\n$/m

const USAGE = {
  prompt_tokens: 12,
  completion_tokens: 123,
  total_tokens: 135,
  prompt_tokens_details: { cached_tokens: 4 },
  completion_tokens_details: { reasoning_tokens: 100 },
}

describe.each([
  ['server-sent events', SSE, sseStream],
  ['a JSON array', JSON_TYPE, arrayStream],
] as const)('a stream as %s', (_, contentType, stream) => {
  it('becomes chunks in OpenAI’s order', () => {
    const common = {
      id: 'chatcmpl-a1',
      object: 'chat.completion.chunk',
      created: 1_700_000_000,
      model: 'gemini-2.5-flash',
    }
    const events = translate([stream('\r\n')], { contentType })
    expect(events).toEqual([
      ...DELTAS.map((delta, at) => ({
        ...common,
        choices: [{ index: 0, delta, finish_reason: at === DELTAS.length - 1 ? 'stop' : null, logprobs: null }],
        usage: null,
      })),
      { ...common, choices: [], usage: USAGE },
      '[DONE]',
    ])
  })

  it('gives the same events, however it is split', () => {
    const bytes = stream('\r\n')
    const whole = translateText([bytes], { contentType })
    // Small pieces cost little more than large ones: most of the time goes into the events.
    const size = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 300 }))
    fc.assert(
      fc.property(fc.array(size, { minLength: 1 }), (sizes) => {
        expect(translateText(cut(bytes, sizes), { contentType })).toBe(whole)
      }),
      { numRuns: 500 },
    )
  })

  it('never ends silently, wherever it is cut off', () => {
    const bytes = stream('\n')
    for (let length = 0; length < bytes.length; length++) {
      const events = translateText([bytes.subarray(0, length)], { contentType })
      const isWhole = bytes.subarray(0, length).includes('"STOP"') && events.endsWith(DONE_EVENT)
      if (!isWhole && !SERVER_ERROR.test(events)) expect.fail(`after ${length} bytes: ${events}`)
    }
  })

  it('ends with the error that it contains', () => {
    const error = '{"error":{"code":503,"message":"Overloaded.","status":"UNAVAILABLE"}}'
    const events = translate([stream('\n', [CHUNKS[0], error, CHUNKS[2]])], { contentType })
    expect(events).toHaveLength(3)
    expect(events.at(-1)).toEqual({
      error: { message: 'Overloaded.', type: 'server_error', param: null, code: 'UNAVAILABLE' },
    })
  })
})

describe('an error outside of events', () => {
  it.each(['{"error":{"code":503,"message":"Overloaded."}}\r\n', '[{"error":{"message":"Overloaded."}}]'])(
    '%s',
    (error) => {
      const events = translate([sseStream('\r\n', CHUNKS.slice(0, 2)), Buffer.from(error)])
      expect(events.at(-1)).toMatchObject({ error: { message: 'Overloaded.' } })
    },
  )
})

describe('a stream', () => {
  it('that is broken off ends with the given error', () => {
    const translator = translatorFor({})
    translator.push(sseStream('\n', CHUNKS.slice(0, 1)))
    expect(eventsOf(translator.breakOff('It took too long.').toString())).toMatchObject([
      { error: { message: 'It took too long.' } },
    ])
  })

  it('may contain comments and empty events', () => {
    const odd = Buffer.from(': ping\n\ndata:\n\nevent: x\n\n')
    expect(translate([odd, sseStream('\n'), odd])).toEqual(translate([sseStream('\n')]))
  })

  it('has no usage where not requested', () => {
    const events = translate([sseStream('\n')], { body: {} })
    expect(JSON.stringify(events)).not.toContain('prompt_tokens"')
    expect(events.at(-1)).toBe('[DONE]')
  })

  it('has each call in one delta', () => {
    const chunk = (parts: object[], finishReason?: string) =>
      JSON.stringify({ candidates: [{ content: { parts }, ...(finishReason && { finishReason }), index: 0 }] })
    const events = translate([
      sseStream('\n', [
        chunk([{ functionCall: { name: 'weather', args: { city: 'Oslo' } }, thoughtSignature: 'Y2FsbA==' }]),
        chunk([{ functionCall: { name: 'time', args: {}, id: 'g7' } }]),
        chunk([{ text: '' }], 'STOP'),
      ]),
    ])
    expect(deltasOf(events)).toEqual([
      { role: 'assistant', content: '' },
      {
        tool_calls: [
          {
            index: 0,
            id: 'call_a1_0',
            type: 'function',
            function: { name: 'weather', arguments: '{"city":"Oslo"}' },
            extra_content: { google: { thought_signature: 'Y2FsbA==' } },
          },
        ],
      },
      { tool_calls: [{ index: 1, id: 'g7', type: 'function', function: { name: 'time', arguments: '{}' } }] },
      {},
    ])
    expect(events.at(-2)).toMatchObject({ choices: [{ finish_reason: 'tool_calls' }] })
  })

  it('may have several choices, each of which must finish', () => {
    const chunk = (index: number, finishReason?: string) =>
      JSON.stringify({ candidates: [{ content: { parts: [{ text: 'x' }] }, finishReason, index }] })
    const events = translate([sseStream('\n', [chunk(0), chunk(1, 'MAX_TOKENS'), chunk(0, 'STOP')])])
    expect(events.slice(-3)).toMatchObject([
      { choices: [{ index: 0, finish_reason: 'stop' }] },
      { choices: [{ index: 1, finish_reason: 'length' }] },
      '[DONE]',
    ])
    expect(translate([sseStream('\n', [chunk(0), chunk(1, 'STOP')])]).at(-1)).toHaveProperty('error')
  })

  it('to a blocked prompt is a filtered one', () => {
    const events = translate([sseStream('\n', ['{"promptFeedback":{"blockReason":"SAFETY"}}'])])
    expect(deltasOf(events)).toEqual([{ role: 'assistant', content: '' }, {}])
    expect(events.at(-2)).toMatchObject({ choices: [{ finish_reason: 'content_filter' }] })
  })

  it('contains the log probabilities of its tokens, with or without text', () => {
    const logprobsResult = { chosenCandidates: [{ token: 'x', logProbability: -1 }] }
    const chunks = [
      { content: { parts: [{ text: 'x' }] }, logprobsResult },
      { logprobsResult, finishReason: 'STOP' },
    ]
    const events = translate([
      sseStream(
        '\n',
        chunks.map((candidate) => JSON.stringify({ candidates: [candidate] })),
      ),
    ])
    expect(events.slice(1, 3)).toMatchObject([
      { choices: [{ delta: { content: 'x' }, logprobs: { content: [{ token: 'x', logprob: -1 }] } }] },
      { choices: [{ delta: {}, logprobs: { content: [{ token: 'x', logprob: -1 }] } }] },
    ])
  })

  it.each([
    [
      '{"candidates":[{"finishReason":"MALFORMED_FUNCTION_CALL","finishMessage":"Bad call."}]}',
      'MALFORMED_FUNCTION_CALL',
    ],
    ['{"candidates":[{"finishReason":"OTHER"}]}', 'OTHER'],
    ['{"candidates":[{"content":{"parts":[{"inlineData":{}}]}}]}', 'unsupported_operation'],
    ['"text"', 'upstream_unreachable'],
    ['{"candidates"', 'upstream_unreachable'],
  ])('with %s fails, and nothing follows', (chunk, code) => {
    const events = translate([sseStream('\n', [CHUNKS[0], chunk, CHUNKS[2]])])
    expect(events).toHaveLength(3)
    expect(events.at(-1)).toMatchObject({ error: { code, type: 'server_error' } })
  })

  it('never makes it throw, whatever it contains', () => {
    fc.assert(
      fc.property(fc.json(), fc.string(), (json, text) => {
        const parts = `{"candidates":[${json},{"content":{"parts":[${json},{"functionCall":${json}}]}}]}`
        const events = translate([sseStream('\n', [`{"usageMetadata":${json}}`, parts, json]), Buffer.from(text)])
        expect(events.length).toBeGreaterThan(0)
      }),
    )
  })
})

interface Requested {
  readonly contentType?: string
  readonly body?: object
}

function translate(pieces: readonly Buffer[], requested: Requested = {}): unknown[] {
  return eventsOf(translateText(pieces, requested))
}

function translateText(pieces: readonly Buffer[], requested: Requested): string {
  const translator = translatorFor(requested)
  const passed = pieces.map((piece) => translator.push(piece))
  return Buffer.concat([...passed, translator.end() ?? Buffer.alloc(0)]).toString()
}

const requestedStream = (body: object) =>
  nativeCall(toGenerateContentCall(unifiedRequest({ messages: HELLO, stream: true, ...body }))).requested
const WITH_USAGE = requestedStream({ stream_options: { include_usage: true } })

function translatorFor({ contentType = SSE, body }: Requested) {
  return googleUnified.chat.response(body === undefined ? WITH_USAGE : requestedStream(body)).translator(contentType)
}

function eventsOf(text: string): unknown[] {
  const [last, ...events] = text.split('\n\n').reverse()
  expect(last).toBe('')
  return events.reverse().map((event) => {
    const data = event.replace(/^data: /, '')
    return data === '[DONE]' ? data : JSON.parse(data)
  })
}

function deltasOf(events: readonly unknown[]): unknown[] {
  return events.flatMap((event) => {
    const { choices = [] } = event as { choices?: { delta: object }[] }
    return choices.map(({ delta }) => delta)
  })
}
