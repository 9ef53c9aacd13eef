import type { Readable } from 'node:stream'
import type { WireHeaders } from '@sluice/providers'
import type { UpstreamFault } from './upstream-fault.ts'

/** Sends requests to providers. */
export interface Upstream {
  /**
   * Begins a request, whose response goes to `sink`, possibly before `send` returns. Never throws.
   * @param departByMs monotonic milliseconds: if the connection is established later, nothing is written and the fault is `too-late`; the
   *   connection is kept for the next attempt
   */
  send(request: UpstreamRequest, sink: ResponseSink, departByMs: number): UpstreamCall
}

export interface UpstreamRequest {
  /** `https://host:port` of the provider. */
  readonly origin: string
  /** Includes the query. */
  readonly path: string
  readonly method: string
  /** Names and values, alternating. */
  readonly headers: string[]
  readonly body: Buffer | Readable | null
  /** Called when the request's memory is released, however the request ended. */
  readonly released?: () => void
}

export interface UpstreamCall {
  /** Whether any of the request was sent. */
  readonly sent: boolean
  /** Resumes after the sink paused the response. */
  resume(): void
  /** Aborts the request; the sink receives nothing more. */
  abort(): void
}

/** Receives one response: its request's departure, a start, data, and an end; or, at any point, a fault, after which nothing follows. */
export interface ResponseSink {
  /** Called when the connection is established and the request is written. */
  departed(): void
  start(status: number, statusMessage: string, headers: WireHeaders): void
  /** Returns false to pause the response until {@link UpstreamCall.resume}; one more chunk may still come. */
  data(chunk: Buffer): boolean
  end(): void
  fault(fault: UpstreamFault): void
}
