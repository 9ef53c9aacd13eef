import { EventStreamCodec } from '@smithy/eventstream-codec'
import type { StreamResponse } from '../core/responses.ts'
import { errorOfStatus } from './errors.ts'

/** Responds with a binary event stream, generated as it is sent: https://smithy.io/2.0/aws/amazon-eventstream.html. */
export function frameStream(frames: Iterable<Uint8Array>): StreamResponse {
  return {
    kind: 'stream',
    status: 200,
    headers: { 'content-type': 'application/vnd.amazon.eventstream' },
    chunks: frames,
    errorChunk: ({ status, message }) => {
      const error =
        status === 424
          ? { ...errorOfStatus(424, message), type: 'ModelStreamErrorException' }
          : errorOfStatus(status, message)
      return exceptionFrame(error.type, error.message)
    },
  }
}

export function eventFrame(eventType: string, payload: object): Uint8Array {
  return frame({ ':message-type': 'event', ':event-type': eventType }, payload)
}

/** Ends a stream that fails halfway; the exception is named after the member of the stream's union. */
function exceptionFrame(type: string, message: string): Uint8Array {
  const name = type.charAt(0).toLowerCase() + type.slice(1)
  return frame({ ':message-type': 'exception', ':exception-type': name }, { message })
}

function frame(headers: Readonly<Record<string, string>>, payload: object): Uint8Array {
  const entries = Object.entries({ ...headers, ':content-type': 'application/json' })
  return codec.encode({
    headers: Object.fromEntries(entries.map(([name, value]) => [name, { type: 'string', value }])),
    body: Buffer.from(JSON.stringify(payload)),
  })
}

const codec = new EventStreamCodec(
  (bytes) => (typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString('utf8')),
  (text) => Buffer.from(text, 'utf8'),
)

/** Returns the field `p` of an event, which hides the length of its text from observers of the encrypted stream. */
export function padding(index: number): string {
  return LETTERS.slice(0, 1 + ((index * 11) % LETTERS.length))
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'
