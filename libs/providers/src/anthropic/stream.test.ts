import fc from 'fast-check'
import type { ChatCompletionChunk } from 'openai/resources/chat/completions'
import { describe, expect, it } from 'vitest'
import {
  block,
  delta,
  ending,
  REFUSED_STREAM,
  start,
  stop,
  streamBytes,
  TEXT_STREAM,
  TOOL_STREAM,
} from '../../test/fixtures/anthropic/message-streams.ts'
import { translated } from '../../test/fixtures/anthropic/translated.ts'
import { unifiedRequest } from '../../test/fixtures/anthropic/unified-request.ts'
import { cut } from '../../test/fixtures/wire/pieces.ts'
import { parseJson } from '../wire/json.ts'
import { anthropicUnified } from './adapter.ts'

const SSE = 'text/event-stream; charset=utf-8'
/** The last event of a stream that was cut off. */
const CUT_SHORT = /^data: \{"error":\{[^\n]*"code":"upstream_unreachable"\}\}\n\n$/m
const STREAMS = { text: TEXT_STREAM, tools: TOOL_STREAM, refusal: REFUSED_STREAM }

describe('a stream', () => {
  it('of text becomes chunks in OpenAI’s order', () => {
    const [first, ...rest] = chunksOf(TEXT_STREAM)
    expect(first).toEqual({
      id: 'chatcmpl-answer-1',
      object: 'chat.completion.chunk',
      created: 1_760_000_000,
      model: 'claude-opus-4-7',
      choices: [{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null, logprobs: null }],
    })
    expect(rest.map(({ choices }) => choices[0])).toMatchObject([
      { delta: { content: 'naïve ' } },
      { delta: { content: '🙂' } },
      { delta: {}, finish_reason: 'stop' },
    ])
  })

  it('reports its usage at the end, where requested', () => {
    expect(chunksOf(TEXT_STREAM, true).at(-1)).toMatchObject({
      choices: [],
      usage: {
        prompt_tokens: 115,
        completion_tokens: 9,
        total_tokens: 124,
        prompt_tokens_details: { cached_tokens: 100 },
        completion_tokens_details: { reasoning_tokens: 0 },
      },
    })
    expect(chunksOf(TOOL_STREAM, true).at(-1)?.usage?.completion_tokens_details?.reasoning_tokens).toBe(20)
    expect(chunksOf(TEXT_STREAM).every(({ usage }) => usage === undefined)).toBe(true)
  })

  it('of thinking, text and tools has the thinking to send back in one delta', () => {
    expect(deltasOf(TOOL_STREAM)).toEqual([
      { role: 'assistant', content: '' },
      { reasoning_content: 'Both ' },
      { reasoning_content: 'cities.' },
      { content: 'Let me' },
      { content: ' look.' },
      { tool_calls: [{ index: 0, id: 'toolu_1', type: 'function', function: { name: 'weather', arguments: '' } }] },
      { tool_calls: [{ index: 0, function: { arguments: '{"city":' } }] },
      { tool_calls: [{ index: 0, function: { arguments: '"Oslo"}' } }] },
      { tool_calls: [{ index: 1, id: 'toolu_2', type: 'function', function: { name: 'now', arguments: '' } }] },
      { tool_calls: [{ index: 1, function: { arguments: '{}' } }] },
      {
        extra_content: {
          anthropic: {
            thinking: [
              {
                type: 'thinking',
                thinking: 'Both cities.',
                signature: 'EqsF',
                at: { content: 0, tool_calls: 0 },
              },
              { type: 'redacted_thinking', data: 'hidden', at: { content: 12, tool_calls: 0 } },
            ],
          },
        },
      },
      {},
    ])
    expect(chunksOf(TOOL_STREAM).at(-1)?.choices[0]?.finish_reason).toBe('tool_calls')
  })

  it('contains Anthropic’s explanation of a refusal', () => {
    expect(deltasOf(REFUSED_STREAM)).toEqual([{ role: 'assistant', content: '' }, { refusal: 'Not this.' }, {}])
    expect(chunksOf(REFUSED_STREAM).at(-1)?.choices[0]?.finish_reason).toBe('content_filter')
  })

  it('includes the input in the start of a tool call', () => {
    const use = block(0, { type: 'tool_use', id: 't', name: 'f', input: { a: 1 } })
    expect(deltasOf([use, stop(0), { type: 'message_stop' }])[1]).toEqual({
      tool_calls: [{ index: 0, id: 't', type: 'function', function: { name: 'f', arguments: '{"a":1}' } }],
    })
  })

  it('omits unknown events and blocks', () => {
    const events = [
      start({}),
      { type: 'of_tomorrow' },
      block(0, { type: 'server_tool_use', id: 's', name: 'web_search', input: {} }),
      delta(0, { type: 'input_json_delta', partial_json: '{"q":1}' }),
      stop(0),
      delta(7, { type: 'delta_of_tomorrow' }),
      delta(7, { type: 'text_delta', text: 'a' }),
      { type: 'message_stop' },
    ]
    expect(deltasOf(events)).toEqual([{ role: 'assistant', content: '' }, { content: 'a' }, {}])
  })

  it.each(Object.entries(STREAMS))('of %s gives the same chunks, however it is split', (_, stream) => {
    const whole = translate(streamBytes(stream), [1_000_000])
    const noise = fc.constantFrom('', ': comment\n\n', 'event: empty\n\n', '\n\n', 'data: no json\n\n')
    const lineEnd = fc.constantFrom('\n', '\r\n')
    // Small pieces cost little more than large ones: most of the time goes into the events.
    const sizes = fc.array(fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 200 })), {
      minLength: 1,
    })
    fc.assert(
      fc.property(noise, lineEnd, sizes, (extra, end, pieces) => {
        const bytes = Buffer.from(`${extra}${streamBytes(stream)}${extra}`.replaceAll('\n', end))
        expect(translate(bytes, pieces)).toBe(whole)
      }),
      { numRuns: 500 },
    )
  })

  it.each(Object.entries(STREAMS))('of %s that is cut off ends with an error, never silently', (_, stream) => {
    const bytes = streamBytes(stream)
    // After the stop reason, nothing that is missing belongs to the message.
    const complete = bytes.indexOf('\n\n', bytes.indexOf('"stop_reason":"'))
    for (let length = 0; length < complete; length++) {
      const events = translate(bytes.subarray(0, length), [64])
      if (events.includes('[DONE]') || !CUT_SHORT.test(events)) expect.fail(`after ${length} bytes: ${events}`)
    }
  })

  it('with a stop reason is complete without its closing event', () => {
    const [end] = TEXT_STREAM.slice(-1)
    expect(end).toMatchObject({ type: 'message_stop' })
    const events = translate(streamBytes(TEXT_STREAM.slice(0, -1)), [64])
    expect(events).toBe(translate(streamBytes(TEXT_STREAM), [64]))
  })

  it('may start another message only before any content', () => {
    const start = TEXT_STREAM.slice(0, 1)
    expect(translate(streamBytes([...start, ...TEXT_STREAM]), [64])).toBe(translate(streamBytes(TEXT_STREAM), [64]))
    const events = translate(streamBytes([...TEXT_STREAM.slice(0, 3), ...start, ...TEXT_STREAM.slice(1)]), [64])
    expect(lastEvent(events)).toMatchObject({ error: { code: 'upstream_unreachable' } })
    expect(events).not.toContain('[DONE]')
  })

  it('that is broken off ends with the given error, unless it was complete', () => {
    const broken = streamTranslator(false)
    broken.push(streamBytes(TEXT_STREAM.slice(0, 4)))
    expect(lastEvent(broken.breakOff('No byte for 60 s.').toString())).toMatchObject({
      error: { message: 'No byte for 60 s.' },
    })
    const whole = streamTranslator(false)
    expect(whole.push(streamBytes(TEXT_STREAM)).toString()).toMatch(/data: \[DONE\]\n\n$/)
    expect(whole.breakOff('No byte for 60 s.')).toHaveLength(0)
    expect(whole.end()).toHaveLength(0)
  })

  it.each([
    [{ type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }, 'Overloaded', 'overloaded_error'],
    [{ type: 'error' }, 'Anthropic ended the response with an error.', null],
    [block(0, { type: 'tool_use', name: 'f' }), 'Anthropic returned a tool call without id or name.', null],
  ])('ends with the error that it contains: %j', (event, message, code) => {
    const events = translate(streamBytes([...TEXT_STREAM.slice(0, 4), event, ...TEXT_STREAM.slice(4)]), [50])
    expect(lastEvent(events)).toEqual({ error: { message, type: 'server_error', param: null, code } })
    expect(events).toContain('naïve')
    expect(events).not.toContain('🙂')
  })

  it.each([
    ['{"type":"error","error":{"type":"rate_limit_error","message":"Slow down."}}', 'rate_limit_error'],
    ['{"error":{"type":"overloaded_error","message":"Slow down."}}', 'overloaded_error'],
    ['{"error":"Slow down."}', null],
    ['event: error\ndata: {"type":"api_error","message":"Slow down."}\n\n', 'api_error'],
    ['data: {"error":{"type":"api_error","message":"Slow down."}}\n\n', 'api_error'],
  ])('that consists of an error keeps its message: %s', (body, code) => {
    expect(lastEvent(translate(Buffer.from(body), [10]))).toMatchObject({ error: { message: 'Slow down.', code } })
  })

  it('ends with an error where an event is unreadable', () => {
    const bytes = Buffer.concat([streamBytes(TEXT_STREAM.slice(0, 4)), Buffer.from('data: {"type":\n\n')])
    const events = translate(Buffer.concat([bytes, streamBytes(TEXT_STREAM.slice(4))]), [50])
    expect(lastEvent(events)).toMatchObject({ error: { message: 'Anthropic sent a response that cannot be read.' } })
    expect(events).not.toContain('[DONE]')
  })

  it.each(['{"type":"message","content":[]}', '<html></html>'])(
    'is translated as a stream even where the body is %s',
    (body) => {
      expect(lastEvent(translate(Buffer.from(body), [10]))).toHaveProperty('error')
    },
  )

  it('never throws, whatever its events contain', () => {
    const type = fc.constantFrom('message_start', 'content_block_start', 'content_block_delta', 'content_block_stop')
    const index = fc.constantFrom(0, 1, undefined)
    // Mostly simple values, which take less time to make.
    const value = fc.oneof(
      { arbitrary: fc.constantFrom(null, true, -1.5, '', 'text', [], [null], {}, { type: {} }), weight: 4 },
      { arbitrary: fc.jsonValue(), weight: 1 },
    )
    const part = fc.oneof(
      value,
      fc.record({
        type: fc.constantFrom('text', 'thinking', 'redacted_thinking', 'tool_use', 'text_delta', 'thinking_delta'),
        text: value,
        thinking: value,
        input: value,
      }),
      fc.record({ type: fc.constantFrom('signature_delta', 'input_json_delta'), partial_json: value }),
    )
    const event = fc.oneof(
      fc.record({ type, index, content_block: part, delta: part }),
      fc.record({ type: fc.constantFrom('message_delta', 'error'), delta: part, error: part, usage: value }),
      fc.constant(ending({ stop_reason: 7 }, {})),
    )
    fc.assert(
      fc.property(fc.array(event, { maxLength: 20 }), (events) => {
        const last = lastEvent(translate(streamBytes(events), [4_096]))
        expect(last).toHaveProperty('error')
      }),
      { numRuns: 1_000 },
    )
  })
})

const requestedStream = (includesUsage: boolean) =>
  translated(unifiedRequest({ stream: true, stream_options: { include_usage: includesUsage } })).requested
const WITH_USAGE = requestedStream(true)
const WITHOUT_USAGE = requestedStream(false)

function streamTranslator(includesUsage: boolean) {
  return anthropicUnified.chat.response(includesUsage ? WITH_USAGE : WITHOUT_USAGE).translator(SSE)
}

function translate(bytes: Buffer, sizes: readonly number[], includesUsage = false): string {
  const translator = streamTranslator(includesUsage)
  expect(translator.contentType).toBe(SSE)
  const passed = cut(bytes, sizes).map((piece) => translator.push(piece))
  return Buffer.concat([...passed, translator.end() ?? Buffer.alloc(0)]).toString()
}

/** The chunks of a complete stream. */
function chunksOf(events: readonly { readonly type: string }[], includesUsage = false): ChatCompletionChunk[] {
  const lines = translate(streamBytes(events), [1_000_000], includesUsage).split('\n\n')
  expect(lines.slice(-2)).toEqual(['data: [DONE]', ''])
  return lines.slice(0, -2).map((line) => JSON.parse(line.slice('data: '.length)))
}

function deltasOf(events: readonly { readonly type: string }[]) {
  return chunksOf(events).map(({ choices }) => choices[0]?.delta)
}

function lastEvent(events: string): unknown {
  return parseJson(Buffer.from(events.split('\n\n').at(-2)?.slice('data: '.length) ?? ''))
}
