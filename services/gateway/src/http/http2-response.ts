import { type ServerResponse, validateHeaderName, validateHeaderValue } from 'node:http'
import { constants, type OutgoingHttpHeaders, type ServerHttp2Stream } from 'node:http2'
import { Writable } from 'node:stream'
import { http2Fields } from './http2-headers.ts'
import type { Http2Request } from './http2-request.ts'
import type { StreamResponse } from './write-error.ts'

type Done = (error?: Error | null) => void
type Fields = readonly (string | readonly string[])[]

/** The parts of a response that the routes use, whichever protocol it goes by. */
type ResponseParts = Pick<ServerResponse, 'statusCode' | 'headersSent' | 'flushHeaders' | 'writeContinue'>

/**
 * The response of an HTTP/2 stream, behaving as one of HTTP/1.1 does: it closes when its stream does, takes headers as names and
 * values in turn, leaves out what HTTP/2 has no place for, and has no body where the request or the status forbids one. Destroyed
 * before its end it resets the stream with an error, so that it never passes for a whole one. (Node's own compatibility class
 * resets with NO_ERROR, drops repeated fields, and throws or warns for what HTTP/1.1 takes.)
 */
export class Http2Response extends Writable implements ResponseParts, StreamResponse {
  statusCode = 200
  readonly #stream: ServerHttp2Stream
  readonly #request: Pick<Http2Request, 'method' | 'discard'>
  readonly #onProgress: () => void
  readonly #fields = new Map<string, string | readonly string[]>()
  #head: OutgoingHttpHeaders | undefined
  #isFlushed = false

  /**
   * @param onProgress called whenever a piece has been sent
   */
  constructor(stream: ServerHttp2Stream, request: Pick<Http2Request, 'method' | 'discard'>, onProgress: () => void) {
    super()
    this.#stream = stream
    this.#request = request
    this.#onProgress = onProgress
    const leave = (): void => void this.destroy()
    stream.once('aborted', leave)
    stream.once('close', leave)
    // The way in which the response closes shows what went wrong in writing.
    this.on('error', () => undefined)
  }

  get headersSent(): boolean {
    return this.#head !== undefined
  }

  setHeader(name: string, value: number | string | readonly string[]): this {
    this.#fields.set(name.toLowerCase(), typeof value === 'number' ? String(value) : value)
    return this
  }

  getHeader(name: string): string | readonly string[] | undefined {
    return this.#fields.get(name.toLowerCase())
  }

  getHeaders(): Record<string, string | readonly string[]> {
    return Object.fromEntries(this.#fields)
  }

  hasHeader(name: string): boolean {
    return this.#fields.has(name.toLowerCase())
  }

  removeHeader(name: string): void {
    this.#fields.delete(name.toLowerCase())
  }

  /**
   * Sets the head; it is sent with the first of the body, or by `flushHeaders`.
   * @param phrase not sent: HTTP/2 has none
   * @throws TypeError, RangeError or Error when HTTP/2 cannot send it, or there is one already
   */
  writeHead(
    status: number,
    phrase?: string | Fields | OutgoingHttpHeaders,
    fields?: Fields | OutgoingHttpHeaders,
  ): this {
    if (this.#head !== undefined) throw new Error('the head of the response was written before')
    if (status < 200 || status > 599) throw new RangeError(`HTTP/2 has no response of status ${status}`)
    const given = fields ?? (typeof phrase === 'object' ? phrase : [])
    const flat = Array.isArray(given) ? (given as Fields) : flatten(given as OutgoingHttpHeaders)
    for (let at = 0; at < flat.length; at += 2) check(String(flat[at]), flat[at + 1])
    const replaced = new Set(flat.filter((_, index) => index % 2 === 0).map((name) => String(name).toLowerCase()))
    const kept = [...this.#fields].filter(([name]) => !replaced.has(name)).flat()
    this.statusCode = status
    this.#head = http2Fields(status, [...kept, ...flat])
    return this
  }

  flushHeaders(): void {
    if (this.#head === undefined) this.writeHead(this.statusCode)
    if (this.#isFlushed || this.#stream.closed || this.#stream.destroyed) return
    this.#isFlushed = true
    this.#stream.respond(this.#head)
  }

  writeContinue(): void {
    if (this.#isFlushed || this.#stream.closed || this.#stream.destroyed) return
    this.#stream.additionalHeaders({ ':status': constants.HTTP_STATUS_CONTINUE })
  }

  /** Drops what is written after the end, as HTTP/1.1 does: a Writable would break off what was written before. */
  override write(piece: unknown, encoding?: BufferEncoding | Done, done?: Done): boolean {
    if (this.writableEnded) return false
    return super.write(piece, encoding as BufferEncoding, done)
  }

  override end(piece?: unknown, encoding?: unknown, done?: () => void): this {
    if (this.writableEnded) return this
    // Now, not once the response has left: its reader may never let it.
    this.#request.discard()
    return super.end(piece, encoding as BufferEncoding, done)
  }

  endSoon(): void {
    const timer = setTimeout(() => this.destroy(new Error('the refusal was not read in time')), REFUSED_TIMEOUT_MS)
    this.once('close', () => clearTimeout(timer))
  }

  override _write(piece: Buffer, _encoding: BufferEncoding, done: Done): void {
    this.flushHeaders()
    if (this.#hasNoBody) {
      done()
      return
    }
    this.#stream.write(piece, (error) => {
      this.#onProgress()
      done(error)
    })
  }

  override _final(done: Done): void {
    this.flushHeaders()
    const finish = (error?: Error | null): void => {
      done(error)
      // RFC 9113, section 8.1: the response is whole, and the rest of the request is not wanted.
      if (error == null && !this.#stream.readableEnded) this.#stream.close(constants.NGHTTP2_NO_ERROR)
    }
    // Node has ended the stream with its head.
    if (this.#hasNoBody) finish()
    else this.#stream.end(finish)
  }

  override _destroy(error: Error | null, done: Done): void {
    // Closed with a code instead, the stream would end before it is reset.
    if (!this.writableFinished) this.#stream.destroy(error ?? new Error('the response was broken off'))
    done(error)
  }

  get #hasNoBody(): boolean {
    return this.#request.method === 'HEAD' || BODILESS_STATUSES.has(this.statusCode)
  }
}

/** The time that the other side has to read its refusal. */
const REFUSED_TIMEOUT_MS = 5_000
const BODILESS_STATUSES: ReadonlySet<number> = new Set([204, 205, 304])

function flatten(fields: OutgoingHttpHeaders): Fields {
  const flat: (string | readonly string[])[] = []
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined) flat.push(name, typeof value === 'number' ? String(value) : value)
  }
  return flat
}

/** HTTP/2 would carry some of what HTTP/1.1 refuses, and its receiver refuse the whole response for it. */
function check(name: string, value: string | readonly string[] | undefined): void {
  validateHeaderName(name)
  for (const one of [value].flat()) validateHeaderValue(name, one as string)
}
