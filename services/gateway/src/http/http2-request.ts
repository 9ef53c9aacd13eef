import type { IncomingMessage } from 'node:http'
import type { ServerHttp2Stream } from 'node:http2'
import { Readable } from 'node:stream'
import type { Http1Head } from './http2-headers.ts'

/** The parts of a request that the routes read, whichever protocol it came by. */
type RequestParts = Pick<
  IncomingMessage,
  'method' | 'url' | 'headers' | 'httpVersion' | 'httpVersionMajor' | 'httpVersionMinor' | 'complete' | 'aborted'
>

/**
 * The request of an HTTP/2 stream, behaving as one of HTTP/1.1 does: it ends only when it is whole, and is destroyed when its
 * stream closes before. (Node's own compatibility class ends a request that was reset as if it were whole, and calls it
 * complete.) Nothing of its body is taken from the stream until it is read.
 */
export class Http2Request extends Readable implements RequestParts {
  readonly method: string
  /** The URL as it came, until what base URLs get wrong in it is corrected. */
  url: string
  readonly headers: IncomingMessage['headers']
  readonly httpVersion = '2.0'
  readonly httpVersionMajor = 2
  readonly httpVersionMinor = 0
  /** The whole request has arrived. */
  complete: boolean
  aborted = false
  readonly #stream: ServerHttp2Stream
  readonly #onProgress: () => void
  #isRead = false
  #isDiscarded = false
  /** Some of the body was dropped. */
  #isCut = false

  /** @param onProgress called whenever more of the body has arrived and is taken */
  constructor(stream: ServerHttp2Stream, { method, path, headers }: Http1Head, onProgress: () => void) {
    super()
    this.#stream = stream
    this.#onProgress = onProgress
    this.method = method
    this.url = path
    this.headers = headers
    this.complete = stream.endAfterHeaders
    // Its end is taken off, or the stream would still seem to bring something.
    if (this.complete) stream.resume()
    const breakOff = (): void => this.#breakOff()
    stream.once('aborted', breakOff)
    stream.once('close', breakOff)
  }

  /** Undefined once the session is over. */
  get socket(): IncomingMessage['socket'] | undefined {
    return this.#stream.session?.socket as IncomingMessage['socket'] | undefined
  }

  /**
   * Drops the rest of the body: Node would hold what is not read, and would not close the stream before it is.
   * The request then ends as one that was broken off, unless only its end was to come.
   */
  discard(): void {
    if (this.complete || this.#isDiscarded) return
    this.#isDiscarded = true
    this.#stream.resume()
  }

  override _read(): void {
    if (this.complete) {
      this.push(null)
    } else if (this.#isRead) {
      this.#stream.resume()
    } else if (!this.#isDiscarded) {
      this.#isRead = true
      this.#stream.on('data', (piece: Buffer) => {
        if (this.#isDiscarded) {
          this.#isCut = true
          return
        }
        this.#onProgress()
        if (!this.push(piece)) this.#stream.pause()
      })
      this.#stream.once('end', () => {
        // A stream that is reset ends, too.
        if (this.#stream.aborted || this.destroyed || this.#isCut) return
        this.complete = true
        this.push(null)
      })
    }
  }

  #breakOff(): void {
    if (this.complete || this.destroyed) return
    this.aborted = true
    // As Node does for HTTP/1.1: an error is emitted only if there is a listener.
    if (this.listenerCount('error') === 0) this.destroy()
    else this.destroy(Object.assign(new Error('aborted'), { code: 'ECONNRESET' }))
  }
}
