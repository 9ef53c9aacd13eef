import { pieces } from '../../core/pieces.ts'
import { type Conversation, metrics, usage } from './conversation.ts'
import { eventFrame } from './event-frames.ts'
import { padding } from './padding.ts'

/**
 * https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html: one delta a token, the usage
 * in the last event. Only a tool's block has a start, and reasoning comes before it.
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
  const { toolUse, answer, stopReason, omitUsage } = conversation
  const reasons = answer.thought.tokens > 0
  const place = { contentBlockIndex: reasons ? 1 : 0 }
  yield ['messageStart', { role: 'assistant' }]
  if (reasons) yield* reasoningEvents(conversation, { contentBlockIndex: 0 })
  if (toolUse !== undefined) {
    const { toolUseId, name } = toolUse
    yield ['contentBlockStart', { ...place, start: { toolUse: { toolUseId, name } } }]
  }
  for (const delta of deltas(conversation)) yield ['contentBlockDelta', { ...place, delta }]
  yield ['contentBlockStop', place]
  yield ['messageStop', { stopReason }]
  yield ['metadata', { metrics: metrics(conversation), ...(!omitUsage && { usage: usage(conversation) }) }]
}

function* reasoningEvents({ answer, signature }: Conversation, place: object): Generator<Event> {
  const delta = (reasoningContent: object): Event => ['contentBlockDelta', { ...place, delta: { reasoningContent } }]
  for (const text of answer.thought.pieces()) yield delta({ text })
  if (signature !== undefined) yield delta({ signature })
  yield ['contentBlockStop', place]
}

function* deltas({ toolUse, answer }: Conversation): Generator<object> {
  if (toolUse === undefined) {
    for (const text of answer.text.pieces()) yield { text }
    return
  }
  for (const input of pieces(JSON.stringify(toolUse.input))) yield { toolUse: { input } }
}
