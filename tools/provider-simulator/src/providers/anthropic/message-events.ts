import { pieces } from '../../core/pieces.ts'
import { simulatedToken } from '../../core/simulated-text.ts'
import { type Message, messageObject, messageUsage } from './message.ts'

export interface MessageEvent {
  readonly type: string
  readonly [field: string]: unknown
}

/**
 * https://platform.claude.com/docs/en/build-with-claude/streaming: one delta a token. The usage comes twice: at the start,
 * with one output token so far, and before the end, where it is cumulative.
 */
export function* messageEvents(message: Message): Generator<MessageEvent> {
  const { inputTokens, outputTokens, omitUsage } = message
  yield {
    type: 'message_start',
    message: {
      ...messageObject(message),
      content: [],
      stop_reason: null,
      ...(!omitUsage && { usage: messageUsage(inputTokens, Math.min(1, outputTokens)) }),
    },
  }
  yield { type: 'content_block_start', index: 0, content_block: startedBlock(message) }
  yield { type: 'ping' }
  for (const delta of deltas(message)) yield { type: 'content_block_delta', index: 0, delta }
  yield { type: 'content_block_stop', index: 0 }
  const { cache_creation: _, service_tier: __, ...usage } = messageUsage(inputTokens, outputTokens)
  yield {
    type: 'message_delta',
    delta: { stop_reason: message.stopReason, stop_sequence: null },
    ...(!omitUsage && { usage }),
  }
  yield { type: 'message_stop' }
}

function startedBlock({ toolUse }: Message) {
  if (toolUse !== undefined) return { type: 'tool_use', ...toolUse, input: {} }
  return { type: 'text', text: '' }
}

function* deltas({ toolUse, outputTokens }: Message): Generator<unknown> {
  if (toolUse === undefined) {
    for (let index = 0; index < outputTokens; index++) yield { type: 'text_delta', text: simulatedToken(index) }
    return
  }
  yield { type: 'input_json_delta', partial_json: '' }
  for (const piece of pieces(JSON.stringify(toolUse.input))) yield { type: 'input_json_delta', partial_json: piece }
}
