import { FairQueue } from '../estimate/fair-queue.ts'
import { type ContentCoding, type ContentDecoder, contentDecoder } from './content-coding.ts'

/** Decodes compressed request bodies without keeping other requests waiting. */
export interface BodyDecoder {
  /**
   * Takes one content coding off a whole body and hands the pieces to `keep`, which ends the decoding by returning a reason. Few bodies are
   * decoded at a time; API keys take turns.
   */
  decode<Reason>(body: Buffer, coding: ContentCoding, options: DecodeOptions<Reason>): Promise<DecodeOutcome<Reason>>
}

export interface DecodeOptions<Reason> {
  /** The API key's id. */
  readonly owner: string
  /** Returns whether the client has disconnected: what still waits is then not decoded. */
  readonly isDisconnected: () => boolean
  readonly keep: (piece: Buffer) => Reason | undefined
}

export type DecodeOutcome<Reason> =
  | { readonly status: 'decoded' }
  /** The value that `keep` returned. */
  | { readonly status: 'ended'; readonly reason: Reason }
  | { readonly status: 'damaged' }
  /** The body is zstd with a window of more than 8 MiB, for which no memory is given. */
  | { readonly status: 'window-too-large' }
  /** The body is zstd in more frames than {@link MAX_FRAMES}. */
  | { readonly status: 'too-many-frames' }
  | { readonly status: 'disconnected' }

/**
 * The most frames of one zstd body, skippable ones included: each takes a decoder of its own, and may be no longer than 8 bytes. Senders make
 * one, or one for every few megabytes.
 */
export const MAX_FRAMES = 64

/**
 * Decodes in node:zlib's threads, {@link MAX_RUNNING} bodies at a time: a decoder may need 16 MiB, and the threads serve others too. No API key
 * has all of them, so that another one's body begins at once, whatever the first one sends.
 */
export function createBodyDecoder(): BodyDecoder {
  const waiting = new FairQueue<() => void>()
  const running: string[] = []

  const isServed = (owner: string): boolean => running.filter((other) => other === owner).length >= MAX_PER_OWNER

  const runNext = (): void => {
    while (running.length < MAX_RUNNING) {
      const next = waiting.take(isServed)
      if (next === undefined) return
      next()
    }
  }

  return {
    decode: async (body, coding, options) => {
      const { owner } = options
      await new Promise<void>((resolve) => {
        waiting.add(owner, () => {
          running.push(owner)
          resolve()
        })
        runNext()
      })
      try {
        return await decodeWhole(body, coding, options)
      } finally {
        running.splice(running.indexOf(owner), 1)
        runNext()
      }
    },
  }
}

async function decodeWhole<Reason>(
  body: Buffer,
  coding: ContentCoding,
  options: DecodeOptions<Reason>,
): Promise<DecodeOutcome<Reason>> {
  let rest = body
  let frames = 0
  // A body of no bytes is an empty one in every coding.
  while (rest.length > 0) {
    if (options.isDisconnected()) return { status: 'disconnected' }
    if (++frames > MAX_FRAMES) return { status: 'too-many-frames' }
    const decoder = contentDecoder(coding, rest, { chunkSize: PIECE_BYTES, boundsWindow: true })
    const outcome = await decodeStream(decoder, rest, options)
    if (outcome.status !== 'decoded') return outcome
    rest = rest.subarray(decoder.bytesWritten)
    // Only zstd's frames may follow each other here: node:zlib joins gzip's members itself.
    if (rest.length > 0 && (coding !== 'zstd' || decoder.bytesWritten === 0)) return { status: 'damaged' }
  }
  return { status: 'decoded' }
}

async function decodeStream<Reason>(
  decoder: ContentDecoder,
  bytes: Buffer,
  { keep, isDisconnected }: DecodeOptions<Reason>,
): Promise<DecodeOutcome<Reason>> {
  decoder.end(bytes)
  try {
    for await (const piece of decoder) {
      const reason = keep(piece)
      if (reason !== undefined) return { status: 'ended', reason }
      if (isDisconnected()) return { status: 'disconnected' }
    }
    return { status: 'decoded' }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    if (code === WINDOW_TOO_LARGE) return { status: 'window-too-large' }
    if (!DAMAGED.test(code) || OUT_OF_MEMORY.test(code)) throw error
    return { status: 'damaged' }
  }
}

const MAX_RUNNING = 3
const MAX_PER_OWNER = 2
const PIECE_BYTES = 64 * 1024
const WINDOW_TOO_LARGE = 'ZSTD_error_frameParameter_windowTooLarge'
/** The error codes of zlib, Brotli (`ERR_` and its own name) and zstd for data that they cannot decode. */
const DAMAGED = /^(?:Z_(?:DATA|BUF)_ERROR|Z_NEED_DICT|ERR_|ZSTD_error_)/
const OUT_OF_MEMORY = /mem(?:ory)?_|_ALLOC_/i
