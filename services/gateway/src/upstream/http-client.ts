import { SluiceError } from '@sluice/contracts'
import { createEgressPolicy, egressConnector, type Lookup } from '@sluice/egress'
import type { WireHeaders } from '@sluice/providers'
import { Agent, type Dispatcher, errors } from 'undici'
import type { ResponseSink, Upstream, UpstreamCall, UpstreamRequest } from './upstream.ts'
import type { UpstreamFault } from './upstream-fault.ts'

export interface UpstreamOptions {
  readonly connectTimeoutMs: number
  /** From sending a request to the first byte of the response. */
  readonly firstByteTimeoutMs: number
  /** Between two chunks of a response. */
  readonly idleTimeoutMs: number
  /** Whether plain HTTP is allowed to loopback addresses. */
  readonly allowInsecureLoopback: boolean
  /** Resolves host names; the system's resolver by default. */
  readonly lookup?: Lookup
}

export interface RunningUpstream extends Upstream {
  /** Aborts requests in flight and closes every connection. */
  stop(): Promise<void>
}

/** Sends over kept-alive HTTP/1.1 connections, as many to each provider as there are requests in flight. */
export function createUpstream(options: UpstreamOptions): RunningUpstream {
  const agent = new Agent({
    // With HTTP/2 allowed, undici opens connections to an origin one after the other, each after the handshake before it.
    allowH2: false,
    connect: egressConnector(createEgressPolicy(options), options.connectTimeoutMs),
    headersTimeout: options.firstByteTimeoutMs,
    bodyTimeout: options.idleTimeoutMs,
    keepAliveTimeout: KEEP_ALIVE_MS,
  })
  return {
    send: (request, sink, departByMs) => {
      const call = new UndiciCall(request, sink, departByMs)
      agent.dispatch(request, call)
      return call
    },
    stop: () => agent.destroy(),
  }
}

/** How long an idle connection is kept unless the provider's keep-alive header says otherwise. */
const KEEP_ALIVE_MS = 30_000

class UndiciCall implements UpstreamCall, Dispatcher.DispatchHandler {
  readonly #released: (() => void) | undefined
  readonly #sink: ResponseSink
  readonly #departByMs: number
  #controller: Dispatcher.DispatchController | undefined
  #aborted = false
  sent = false

  constructor({ released }: UpstreamRequest, sink: ResponseSink, departByMs: number) {
    this.#released = released
    this.#sink = sink
    this.#departByMs = departByMs
  }

  /** Resumes in a microtask: undici cannot read one response while it delivers a chunk of another, which may be what resumes the first. */
  resume(): void {
    queueMicrotask(() => {
      try {
        if (!this.#aborted) this.#controller?.resume()
      } catch (error) {
        this.onResponseError(undefined, error instanceof Error ? error : new Error(String(error)))
      }
    })
  }

  abort(): void {
    if (this.#aborted) return
    this.#aborted = true
    this.#controller?.abort(ABORTED)
  }

  /**
   * Called when the connection is established, before the request is written. However long that took (a slow handshake, a full accept queue,
   * a stalled process), a request that is too late is not written.
   * @throws Error to end the request before any of it is written; aborting it would close the connection as well
   */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#aborted) throw ABORTED
    if (performance.now() > this.#departByMs) throw TOO_LATE
    this.#controller = controller
    this.sent = true
    this.#sink.departed()
  }

  onResponseStart(_: unknown, status: number, headers: WireHeaders, statusMessage = ''): void {
    // Informational responses precede the response.
    if (status >= 200 && !this.#aborted) this.#sink.start(status, statusMessage, headers)
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#aborted && !this.#sink.data(chunk)) controller.pause()
  }

  onResponseEnd(): void {
    this.#released?.()
    if (!this.#aborted) this.#sink.end()
  }

  onResponseError(_: unknown, error: Error): void {
    this.#released?.()
    if (!this.#aborted) this.#sink.fault({ reason: reasonOf(error), error })
  }
}

const ABORTED = new Error('the call was aborted')
const TOO_LATE = new Error('the permit expired before the connection was established')

function reasonOf(error: Error & { code?: string }): UpstreamFault['reason'] {
  if (error === TOO_LATE) return 'too-late'
  if (error instanceof SluiceError) return error.code === 'payload_too_large' ? 'too-large' : 'invalid'
  if (error instanceof errors.HTTPParserError) return 'unreadable'
  return (error.code === undefined ? undefined : REASONS[error.code]) ?? 'unreachable'
}

/** @see https://github.com/nodejs/undici/blob/main/docs/docs/api/Errors.md */
const REASONS: Readonly<Record<string, UpstreamFault['reason']>> = {
  UND_ERR_HEADERS_TIMEOUT: 'timeout',
  UND_ERR_BODY_TIMEOUT: 'timeout',
  UND_ERR_INVALID_ARG: 'invalid',
  UND_ERR_NOT_SUPPORTED: 'invalid',
  UND_ERR_REQ_CONTENT_LENGTH_MISMATCH: 'invalid',
}
