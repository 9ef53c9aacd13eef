import { frame } from '../../__fixtures__/frames.ts'

const delta = (contentBlockIndex: number, delta: object) =>
  frame('event', 'contentBlockDelta', { contentBlockIndex, delta, p: 'abc' })
const start = (contentBlockIndex: number, start: object) =>
  frame('event', 'contentBlockStart', { contentBlockIndex, start, p: 'ab' })
const stop = (contentBlockIndex: number) => frame('event', 'contentBlockStop', { contentBlockIndex })
const toolUse = (toolUseId: string, name: string) => ({ toolUse: { toolUseId, name } })

const USAGE = { inputTokens: 12, outputTokens: 9, totalTokens: 21, cacheReadInputTokens: 100 }

/** A streamed answer that reasons, speaks and calls two tools, one without arguments. */
export const TOOL_FRAMES: readonly Buffer[] = [
  frame('event', 'messageStart', { role: 'assistant' }),
  delta(0, { reasoningContent: { text: 'Both ' } }),
  delta(0, { reasoningContent: { text: 'cities.' } }),
  delta(0, { reasoningContent: { signature: 'EqsF' } }),
  stop(0),
  start(1, {}),
  delta(1, { text: 'naïve' }),
  delta(1, { text: ' 🙂' }),
  stop(1),
  delta(2, { reasoningContent: { redactedContent: 'AAE=' } }),
  stop(2),
  start(3, toolUse('t1', 'weather')),
  delta(3, { toolUse: { input: '{"city":' } }),
  delta(3, { toolUse: { input: '"Oslo"}' } }),
  stop(3),
  start(4, toolUse('t2', 'now')),
  delta(4, { toolUse: { input: '' } }),
  stop(4),
  frame('event', 'messageStop', { stopReason: 'tool_use' }),
  frame('event', 'metadata', { metrics: { latencyMs: 9 }, usage: USAGE }),
]

/** The same, whole. */
export const TOOL_ANSWER = {
  metrics: { latencyMs: 9 },
  output: {
    message: {
      role: 'assistant',
      content: [
        { reasoningContent: { reasoningText: { text: 'Both cities.', signature: 'EqsF' } } },
        { text: 'naïve 🙂' },
        { reasoningContent: { redactedContent: 'AAE=' } },
        { toolUse: { toolUseId: 't1', name: 'weather', input: { city: 'Oslo' } } },
        { toolUse: { toolUseId: 't2', name: 'now', input: {} } },
      ],
    },
  },
  stopReason: 'tool_use',
  usage: USAGE,
}

/** What is to be sent back of it. */
export const EXTRA_CONTENT = {
  bedrock: {
    reasoning: [
      { text: 'Both cities.', signature: 'EqsF', at: { content: 0, tool_calls: 0 } },
      { redactedContent: 'AAE=', at: { content: 8, tool_calls: 0 } },
    ],
  },
}

export const CHAT_USAGE = {
  prompt_tokens: 112,
  completion_tokens: 9,
  total_tokens: 121,
  prompt_tokens_details: { cached_tokens: 100 },
  completion_tokens_details: { reasoning_tokens: 0 },
}
