import type { Readable } from 'node:stream'
import type { WireHeaders } from '@sluice/providers'

/** Sends requests to providers. */
export interface Upstream {
  /**
   * Begins a request; what comes back goes to `sink`, once `send` has returned or before. Never throws.
   * @param departByMs by {@link Clock.elapsedMs}: where the connection is there only later, nothing is written and the fault is
   *   `too-late`; the connection stays, for the next try
   */
  send(request: UpstreamRequest, sink: ResponseSink, departByMs: number): UpstreamCall
}

export interface UpstreamRequest {
  /** `https://host:port`. */
  readonly origin: string
  /** With the query. */
  readonly path: string
  readonly method: string
  /** Names and values in turn. */
  readonly headers: string[]
  readonly body: Buffer | Readable | null
  /** Called when nothing of the request is held any more, however it ended. */
  readonly released?: () => void
}

export interface UpstreamCall {
  /** Whether any of the request went out. */
  readonly sent: boolean
  /** Goes on after the sink asked to hold. */
  resume(): void
  /** Ends the request where it stands, or keeps it from being sent; the sink is told nothing more. */
  abort(): void
}

/** Takes one answer: its request's departure, a start, data, and an end; or at any point a fault, after which nothing follows. */
export interface ResponseSink {
  /** The connection is there, and the request is written in this moment. */
  departed(): void
  start(status: number, statusMessage: string, headers: WireHeaders): void
  /** Returns false to ask for a hold until {@link UpstreamCall.resume}; one more piece may still come. */
  data(chunk: Buffer): boolean
  end(): void
  fault(fault: UpstreamFault): void
}

export interface UpstreamFault {
  /**
   * `unreachable`: the connection could not be made, or broke. `unreadable`: what came is not HTTP. `undecodable`: the body is in a
   * content coding that is not known, or damaged. `timeout`: no first byte, or no further one, in time. `too-large`: the request's body exceeded its limit. `invalid`: the request cannot be sent as it is. `too-late`: nothing was
   * written, as the time to depart had passed.
   */
  readonly reason: 'unreachable' | 'unreadable' | 'undecodable' | 'timeout' | 'too-large' | 'invalid' | 'too-late'
  /** Holds no secret, but details that are for the log only. */
  readonly error: Error
}
