import { EventStreamCodec } from '@smithy/eventstream-codec'
import { parseJson } from '../wire/json.ts'
import type { MessageSplitter } from '../wire/usage-reader.ts'

/**
 * Splits an AWS event stream into its messages, each with prelude and checksums. After an impossible length it visits
 * nothing more.
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/RESTSelectObjectAppendix.html
 */
export class AwsEventFrames implements MessageSplitter {
  readonly #visit: (frame: Buffer) => void
  #held: Buffer = EMPTY
  #later: Buffer[] = []
  #laterBytes = 0
  #broken = false

  constructor(visit: (frame: Buffer) => void) {
    this.#visit = visit
  }

  push(chunk: Buffer): void {
    if (this.#broken) return
    this.#later.push(chunk)
    this.#laterBytes += chunk.length
    if (this.#held.length + this.#laterBytes < this.#neededBytes()) return
    let rest = this.#join()
    while (rest.length >= LENGTH_BYTES) {
      const length = rest.readUInt32BE(0)
      if (length < MIN_FRAME_BYTES || length > MAX_FRAME_BYTES) {
        this.#broken = true
        return
      }
      if (rest.length < length) break
      this.#visit(rest.subarray(0, length))
      rest = rest.subarray(length)
    }
    this.#held = rest
  }

  /** Drops the remaining bytes, which are no complete message. */
  end(): void {
    this.#join()
  }

  #neededBytes(): number {
    return this.#held.length < LENGTH_BYTES ? LENGTH_BYTES : this.#held.readUInt32BE(0)
  }

  #join(): Buffer {
    const joined = Buffer.concat([this.#held, ...this.#later])
    this.#held = EMPTY
    this.#later = []
    this.#laterBytes = 0
    return joined
  }
}

const EMPTY = Buffer.alloc(0)
const LENGTH_BYTES = 4
/** A prelude of 12 bytes, and the message's checksum of 4. */
const MIN_FRAME_BYTES = 16
/** 16 MiB of payload, 128 KiB of headers, and these 16 bytes. */
const MAX_FRAME_BYTES = 16 * 1024 * 1024 + 128 * 1024 + 16

/** A message of an AWS event stream as Bedrock uses it. */
export interface BedrockEvent {
  /** `event`, or `exception` where the operation failed after the response had begun. */
  readonly messageType: string
  /** The event's or exception's name. */
  readonly type: string
  /** The payload's JSON; undefined where it is not JSON. */
  readonly payload: unknown
}

/** Decodes a message; undefined where it is damaged. */
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
    // The checksum or the headers are wrong: the content is unknown.
    return undefined
  }
}

const codec = new EventStreamCodec(
  (bytes) => (typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString('utf8')),
  (text) => Buffer.from(text, 'utf8'),
)
