import { contentBlocks } from './content-blocks.ts'
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
  for (const [index, { started, deltas }] of contentBlocks(message).entries()) {
    yield { type: 'content_block_start', index, content_block: started }
    if (index === 0) yield { type: 'ping' }
    for (const delta of deltas()) yield { type: 'content_block_delta', index, delta }
    yield { type: 'content_block_stop', index }
  }
  const { cache_creation: _, service_tier: __, ...usage } = messageUsage(inputTokens, outputTokens)
  yield {
    type: 'message_delta',
    delta: { stop_reason: message.stopReason, stop_sequence: null },
    ...(!omitUsage && { usage }),
  }
  yield { type: 'message_stop' }
}
