import { pieces } from '../../core/pieces.ts'
import { simulatedToken } from '../../core/simulated-text.ts'
import { type Conversation, metrics, usage } from './conversation.ts'
import { eventFrame } from './event-frames.ts'
import { padding } from './padding.ts'

/**
 * https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html: one delta a token, the usage
 * in the last event. Only a tool's block has a start.
 */
export function* conversationFrames(conversation: Conversation): Generator<Uint8Array> {
  let index = 0
  for (const [eventType, event] of events(conversation)) {
    yield eventFrame(eventType, { ...event, p: padding(index) })
    index += 1
  }
}

type Event = readonly [type: string, event: object]

function* events(conversation: Conversation): Generator<Event> {
  const { toolUse, stopReason, omitUsage } = conversation
  const place = { contentBlockIndex: 0 }
  yield ['messageStart', { role: 'assistant' }]
  if (toolUse !== undefined) {
    const { toolUseId, name } = toolUse
    yield ['contentBlockStart', { ...place, start: { toolUse: { toolUseId, name } } }]
  }
  for (const delta of deltas(conversation)) yield ['contentBlockDelta', { ...place, delta }]
  yield ['contentBlockStop', place]
  yield ['messageStop', { stopReason }]
  yield ['metadata', { metrics: metrics(conversation), ...(!omitUsage && { usage: usage(conversation) }) }]
}

function* deltas({ toolUse, outputTokens }: Conversation): Generator<object> {
  if (toolUse === undefined) {
    for (let index = 0; index < outputTokens; index++) yield { text: simulatedToken(index) }
    return
  }
  for (const input of pieces(JSON.stringify(toolUse.input))) yield { toolUse: { input } }
}
