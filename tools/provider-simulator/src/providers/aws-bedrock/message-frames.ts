import type { Message } from '../anthropic/message.ts'
import { messageEvents } from '../anthropic/message-events.ts'
import { eventFrame } from './event-frames.ts'
import { padding } from './padding.ts'

/** Anthropic's events, each as the bytes of a `chunk`; the last one has Bedrock's own count of the tokens added to it. */
export function* messageFrames(message: Message): Generator<Uint8Array> {
  let index = 0
  for (const event of messageEvents(message)) {
    // Bedrock passes no pings on.
    if (event.type === 'ping') continue
    const counted =
      event.type === 'message_stop' && !message.omitUsage ? { ...event, ...invocationMetrics(message) } : event
    const bytes = Buffer.from(JSON.stringify(counted)).toString('base64')
    yield eventFrame('chunk', { bytes, p: padding(index) })
    index += 1
  }
}

function invocationMetrics({ inputTokens, outputTokens }: Message) {
  return {
    'amazon-bedrock-invocationMetrics': {
      inputTokenCount: inputTokens,
      outputTokenCount: outputTokens,
      invocationLatency: inputTokens + outputTokens,
      firstByteLatency: 1,
    },
  }
}
