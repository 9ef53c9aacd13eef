import { EventStreamCodec } from '@smithy/eventstream-codec'
import { parseJson } from '../wire/parse-json.ts'

/** A message of an AWS event stream as Bedrock uses it. */
export interface BedrockEvent {
  /** `event`, or `exception` where the operation failed after its answer had begun. */
  readonly messageType: string
  /** Which event or exception. */
  readonly type: string
  /** The payload's JSON; undefined where it is none. */
  readonly payload: unknown
}

/** Undefined where the frame is not intact. */
export function readEventFrame(frame: Buffer): BedrockEvent | undefined {
  try {
    const { headers, body } = codec.decode(frame)
    const text = (name: string) => String(headers[name]?.value ?? '')
    return {
      messageType: text(':message-type'),
      type: text(':event-type') || text(':exception-type') || text(':error-code'),
      payload: parseJson(Buffer.from(body.buffer, body.byteOffset, body.byteLength)),
    }
  } catch {
    // The checksum is wrong, or the headers are: what it says is unknown.
    return undefined
  }
}

const codec = new EventStreamCodec(
  (bytes) => (typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString('utf8')),
  (text) => Buffer.from(text, 'utf8'),
)
