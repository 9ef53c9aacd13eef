import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { frame } from '../../test/fixtures/aws-bedrock/frames.ts'
import { CHAT_USAGE, EXTRA_CONTENT, TOOL_FRAMES } from '../../test/fixtures/aws-bedrock/responses.ts'
import { NOVA, nativeCall, unifiedRequest } from '../../test/fixtures/aws-bedrock/unified-request.ts'
import { cut } from '../../test/fixtures/wire/pieces.ts'
import { DONE_EVENT, errorEvent, STREAM_CUT_SHORT } from '../unified/response-translators.ts'
import { awsBedrockUnified } from './adapter.ts'
import { toConverseCall } from './request.ts'

const STREAM = Buffer.concat([...TOOL_FRAMES])
const EVENT_STREAM = 'application/vnd.amazon.eventstream'

const requestedStream = (streamOptions: object) =>
  nativeCall(toConverseCall(unifiedRequest({ stream: true, stream_options: streamOptions }))).requested
const WITH_USAGE = requestedStream({ include_usage: true })

function translator(streamOptions?: object) {
  const requested = streamOptions === undefined ? WITH_USAGE : requestedStream(streamOptions)
  return awsBedrockUnified.chat.response(requested).translator(EVENT_STREAM)
}

/** Returns the events as text. */
function translateText(pieces: readonly Buffer[], streamOptions?: object): string {
  const reader = translator(streamOptions)
  return Buffer.concat([...pieces.map((piece) => reader.push(piece)), reader.end() ?? Buffer.alloc(0)]).toString()
}

/** Returns the data of the events. */
function translate(pieces: readonly Buffer[], streamOptions?: object): unknown[] {
  return translateText(pieces, streamOptions)
    .split('\n\n')
    .filter((event) => event !== '')
    .map((event) => (event === 'data: [DONE]' ? 'DONE' : JSON.parse(event.slice('data: '.length))))
}

const failure = (message: string, code: string | null) => ({
  error: { message, type: 'server_error', param: null, code },
})

it('is translated as a stream where requested, even where the body is JSON', () => {
  const json = Buffer.from(JSON.stringify({ output: { message: { content: [] } } }))
  expect(translate([json])).toEqual([failure('The provider ended the response early.', 'upstream_unreachable')])
})

describe('a stream', () => {
  it('becomes chunks in OpenAI’s order', () => {
    const common = { id: 'chatcmpl-a1', object: 'chat.completion.chunk', created: 1_700_000_000, model: NOVA }
    const chunk = (delta: object, finish_reason: string | null = null) => ({
      ...common,
      choices: [{ index: 0, delta, finish_reason, logprobs: null }],
      usage: null,
    })
    const call = (index: number, id: string, name: string) => ({
      tool_calls: [{ index, id, type: 'function', function: { name, arguments: '' } }],
    })
    const piece = (index: number, text: string) => ({ tool_calls: [{ index, function: { arguments: text } }] })
    expect(translate([STREAM])).toEqual([
      chunk({ role: 'assistant', content: '' }),
      chunk({ reasoning_content: 'Both ' }),
      chunk({ reasoning_content: 'cities.' }),
      chunk({ content: 'naïve' }),
      chunk({ content: ' 🙂' }),
      chunk(call(0, 't1', 'weather')),
      chunk(piece(0, '{"city":')),
      chunk(piece(0, '"Oslo"}')),
      chunk(call(1, 't2', 'now')),
      chunk(piece(1, '{}')),
      chunk({ extra_content: EXTRA_CONTENT }),
      chunk({}, 'tool_calls'),
      { ...common, choices: [], usage: CHAT_USAGE },
      'DONE',
    ])
  })

  it('has no usage where not requested', () => {
    const events = translate([STREAM], {})
    expect(events.at(-1)).toBe('DONE')
    for (const event of events) expect(event).not.toHaveProperty('usage')
  })

  it('may report its usage before its end', () => {
    const early = [...TOOL_FRAMES.slice(0, -2), ...TOOL_FRAMES.slice(-2).reverse()]
    expect(translate(early)).toEqual(translate([STREAM]))
  })

  it('gives the same events, however it is split', () => {
    const whole = translateText([STREAM])
    // Small pieces cost little more than large ones: most of the time goes into the events.
    const size = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 300 }))
    fc.assert(
      fc.property(fc.array(size, { minLength: 1 }), (sizes) => {
        expect(translateText(cut(STREAM, sizes))).toBe(whole)
      }),
      { numRuns: 500 },
    )
  })

  it('never ends silently, wherever it is cut off', () => {
    const wholeFrom = Buffer.concat(TOOL_FRAMES.slice(0, -1)).length
    const cutShort = errorEvent(STREAM_CUT_SHORT)
    for (let length = 0; length < STREAM.length; length++) {
      const events = translateText([STREAM.subarray(0, length)])
      const end = length < wholeFrom ? cutShort : DONE_EVENT
      if (!events.endsWith(end)) expect.fail(`after ${length} bytes: ${events}`)
    }
  })

  it('that is broken off ends with the given error, unless it was complete', () => {
    const reader = translator()
    reader.push(Buffer.concat(TOOL_FRAMES.slice(0, 3)))
    expect(reader.breakOff('Gone.').toString()).toContain('"Gone."')
    const whole = translator()
    whole.push(STREAM)
    expect(whole.breakOff('Gone.').toString()).toMatch(/\[DONE\]\n\n$/)
    expect(whole.end()?.length).toBe(0)
  })
})

const start = (block: object) => frame('event', 'contentBlockStart', { contentBlockIndex: 9, start: block })

it.each([
  [
    'an exception',
    frame('exception', 'throttlingException', { message: 'Slow down.' }),
    failure('Slow down.', 'ThrottlingException'),
  ],
  [
    'an exception without a message',
    frame('exception', 'internalServerException', ''),
    failure('AWS Bedrock ended the response with an error.', 'InternalServerException'),
  ],
  ['what cannot be read', frame('event', 'contentBlockDelta', '{'), 'AWS Bedrock sent a response that cannot be read.'],
  ['a broken checksum', broken(frame('event', 'messageStart', {})), 'AWS Bedrock sent a response that cannot be read.'],
  [
    'a call without a name',
    start({ toolUse: { toolUseId: 'a' } }),
    'AWS Bedrock returned a tool call without id or name.',
  ],
  ['an image', start({ image: { format: 'png' } }), expect.stringContaining('cannot contain')],
  [
    'a malformed tool call',
    frame('event', 'messageStop', { stopReason: 'malformed_tool_use' }),
    failure('The model returned a malformed tool call.', 'malformed_tool_use'),
  ],
])('%s in mid-stream ends it with an error', (_, bad, error) => {
  const events = translate([...TOOL_FRAMES.slice(0, 3), bad, ...TOOL_FRAMES.slice(3)])
  expect(events).toHaveLength(4)
  expect(events.at(-1)).toEqual(
    typeof error === 'object' && error !== null && 'error' in error
      ? error
      : { error: expect.objectContaining({ message: error }) },
  )
})

it('never throws, whatever the messages', () => {
  const type = fc.constantFrom('contentBlockStart', 'contentBlockDelta', 'contentBlockStop', 'messageStop', 'metadata')
  const payload = fc.record(
    { contentBlockIndex: fc.jsonValue(), start: fc.jsonValue(), delta: fc.jsonValue(), stopReason: fc.jsonValue() },
    { requiredKeys: [] },
  )
  const message = fc.tuple(type, fc.oneof(payload, fc.jsonValue()))
  fc.assert(
    fc.property(fc.array(message), (messages) => {
      expect(translate(messages.map(([name, json]) => frame('event', name, json))).length).toBeGreaterThan(0)
    }),
  )
})

function broken(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes)
  copy.writeUInt8(copy.readUInt8(copy.length - 1) ^ 1, copy.length - 1)
  return copy
}
