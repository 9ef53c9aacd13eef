import type { Duplex } from 'node:stream'
import type { WireHeaders } from '@sluice/providers'
import { contentCodings, contentDecoder } from '../http/content-coding.ts'
import type { ResponseSink, Upstream, UpstreamCall } from './upstream.ts'
import type { UpstreamFault } from './upstream-fault.ts'

/**
 * Sends through `upstream` and decodes compressed responses. Requests accept no compression, but not every server respects that, and a
 * compressed body could be searched for neither usage nor secrets. An unknown content coding ends the request with the fault `undecodable`;
 * an error response, whose status is passed on, only loses its body.
 */
export function decodedUpstream(upstream: Upstream): Upstream {
  return {
    send: (request, sink, departByMs) => {
      const call = new DecodedCall(request.method, sink)
      call.begin((through) => upstream.send(request, through, departByMs))
      return call
    },
  }
}

class DecodedCall implements UpstreamCall, ResponseSink {
  readonly #method: string
  readonly #sink: ResponseSink
  #upstream: UpstreamCall | undefined
  /** Undefined for a body that is passed on unchanged. */
  #decoding: Decoding | undefined
  #isOver = false

  constructor(method: string, sink: ResponseSink) {
    this.#method = method
    this.#sink = sink
  }

  begin(send: (sink: ResponseSink) => UpstreamCall): void {
    this.#upstream = send(this)
  }

  get sent(): boolean {
    return this.#upstream?.sent ?? false
  }

  resume(): void {
    if (this.#decoding === undefined) this.#upstream?.resume()
    else this.#decoding.decoder?.resume()
  }

  abort(): void {
    this.#isOver = true
    this.#decoding?.decoder?.destroy()
    this.#upstream?.abort()
  }

  departed(): void {
    this.#sink.departed()
  }

  start(status: number, statusMessage: string, headers: WireHeaders): void {
    const coding = contentCodingOf(this.#method, status, headers)
    if (coding === undefined) {
      this.#sink.start(status, statusMessage, headers)
      return
    }
    const decoderFor = decoderOf(coding)
    const isError = status >= 400
    if (decoderFor === undefined && !isError) {
      this.#giveUp(new Error('the content coding is unknown'))
      return
    }
    this.#decoding = { decoderFor, decoder: undefined, isError }
    const { 'content-encoding': _coding, 'content-length': _length, ...decoded } = headers
    this.#sink.start(status, statusMessage, decoded)
  }

  data(chunk: Buffer): boolean {
    if (this.#decoding === undefined) return this.#sink.data(chunk)
    const { decoderFor } = this.#decoding
    if (decoderFor === undefined || chunk.length === 0) return true
    this.#decoding.decoder ??= this.#open(decoderFor(chunk))
    return this.#decoding.decoder.write(chunk)
  }

  end(): void {
    // An empty body is valid in every coding.
    if (this.#decoding?.decoder === undefined) this.#sink.end()
    else this.#decoding.decoder.end()
  }

  fault(fault: UpstreamFault): void {
    this.#isOver = true
    this.#decoding?.decoder?.destroy()
    this.#sink.fault(fault)
  }

  /** Holds some ten kilobytes at most, however much a few bytes expand to: the decoder waits for the sink. */
  #open(decoder: Duplex): Duplex {
    decoder.on('data', (chunk: Buffer) => {
      if (!this.#isOver && !this.#sink.data(chunk)) decoder.pause()
    })
    decoder.on('drain', () => this.#upstream?.resume())
    decoder.on('end', () => {
      if (!this.#isOver) this.#sink.end()
    })
    decoder.on('error', (error) => {
      if (!this.#isOver) this.#damaged(error)
    })
    return decoder
  }

  /** An error response is passed on as far as it could be decoded. */
  #damaged(error: Error): void {
    if (this.#decoding?.isError) {
      this.abort()
      this.#sink.end()
    } else {
      this.#giveUp(error)
    }
  }

  #giveUp(error: Error): void {
    this.abort()
    this.#sink.fault({ reason: 'undecodable', error })
  }
}

type DecoderFor = (firstChunk: Buffer) => Duplex

interface Decoding {
  /** Undefined if the body is dropped. */
  readonly decoderFor: DecoderFor | undefined
  /** Present from the first byte on. */
  decoder: Duplex | undefined
  readonly isError: boolean
}

/** Returns the content coding in lower case; undefined if the body is not encoded, or there is none. */
function contentCodingOf(method: string, status: number, headers: WireHeaders): string | undefined {
  const given = headers['content-encoding']
  if (given === undefined || method === 'HEAD' || BODILESS.has(status)) return undefined
  const coding = String(given).trim().toLowerCase()
  return coding === '' || coding === 'identity' ? undefined : coding
}

const BODILESS: ReadonlySet<number> = new Set([204, 304])

/** Returns undefined for an unknown coding, and for several. */
function decoderOf(header: string): DecoderFor | undefined {
  const codings = contentCodings(header)
  if ('unknown' in codings) return undefined
  const [coding, ...others] = codings
  return coding === undefined || others.length > 0 ? undefined : (firstChunk) => contentDecoder(coding, firstChunk)
}
