import { EventStreamCodec } from '@smithy/eventstream-codec'

// Stands first, as the messages below are made with it when this is imported.
const codec = new EventStreamCodec(
  (bytes) => (typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString('utf8')),
  (text) => Buffer.from(text, 'utf8'),
)

/** A message of an AWS event stream, of an event or an exception. */
export function frame(messageType: 'event' | 'exception', type: string, payload: unknown): Buffer {
  const text = (value: string) => ({ type: 'string' as const, value })
  return Buffer.from(
    codec.encode({
      headers: {
        [`:${messageType}-type`]: text(type),
        ':content-type': text('application/json'),
        ':message-type': text(messageType),
      },
      body: Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload)),
    }),
  )
}

/** A chunk of a streamed invocation, in the format of the model's maker. */
export function chunkFrame(chunk: unknown): Buffer {
  return frame('event', 'chunk', { bytes: Buffer.from(JSON.stringify(chunk)).toString('base64'), p: 'abcdefgh' })
}

/** What `ConverseStream` answers; `p` pads each event. */
export const CONVERSE_FRAMES: readonly Buffer[] = [
  frame('event', 'messageStart', { role: 'assistant', p: 'abc' }),
  frame('event', 'contentBlockDelta', {
    contentBlockIndex: 0,
    delta: { reasoningContent: { text: 'Twelve byte.' } },
    p: 'abcdefgh',
  }),
  frame('event', 'contentBlockDelta', { contentBlockIndex: 0, delta: { reasoningContent: { signature: 'EvYBCkgI' } } }),
  frame('event', 'contentBlockDelta', { contentBlockIndex: 1, delta: { text: 'naïve 🙂 "usage":{' }, p: 'abc' }),
  frame('event', 'contentBlockDelta', { contentBlockIndex: 2, delta: { toolUse: { input: '{"x":1}' } }, p: 'a' }),
  frame('event', 'contentBlockStop', { contentBlockIndex: 2, p: 'abcd' }),
  frame('event', 'messageStop', { stopReason: 'end_turn', p: 'abcdef' }),
  frame('event', 'metadata', {
    metrics: { latencyMs: 581 },
    usage: {
      inputTokens: 15,
      outputTokens: 142,
      totalTokens: 1_197,
      cacheReadInputTokens: 1_000,
      cacheWriteInputTokens: 40,
    },
    p: 'abcdefgh',
  }),
]

export const CONVERSE_USAGE = {
  inputTokens: 1_055,
  outputTokens: 142,
  cachedInputTokens: 1_000,
  cacheWriteInputTokens: 40,
  reasoningTokens: 0,
}

/** A streamed invocation of a model of Anthropic's: its own events, and Bedrock's metrics in the last. */
export const ANTHROPIC_FRAMES: readonly Buffer[] = [
  chunkFrame({
    type: 'message_start',
    message: { id: 'msg_bdrk_1', usage: { input_tokens: 3, cache_read_input_tokens: 500, output_tokens: 1 } },
  }),
  chunkFrame({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Twelve byte.' } }),
  chunkFrame({ type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 13 } }),
  chunkFrame({
    type: 'message_stop',
    'amazon-bedrock-invocationMetrics': {
      inputTokenCount: 3,
      outputTokenCount: 14,
      invocationLatency: 3_037,
      firstByteLatency: 2_635,
      cacheReadInputTokenCount: 500,
      cacheWriteInputTokenCount: 7,
    },
  }),
]
