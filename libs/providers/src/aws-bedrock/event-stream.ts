import { EventStreamCodec } from '@smithy/eventstream-codec'
import { parseJson } from '../wire/json.ts'
import type { MessageSplitter } from '../wire/usage-reader.ts'

/**
 * Cuts an AWS event stream into its messages, each whole with prelude and checksums. Once a length is none that a message can
 * have, nothing more is visited.
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

  /** What is left is no whole message. */
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
/** A prelude of 12 bytes and the message's checksum. */
const MIN_FRAME_BYTES = 16
/** 16 MiB of payload, 128 KiB of headers, and those 16 bytes. */
const MAX_FRAME_BYTES = 16 * 1024 * 1024 + 128 * 1024 + 16

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
