import type { ServerResponse } from 'node:http'
import { redactorOf, type SecretRedactor, type StreamRedactor } from '@sluice/egress'
import type { WireHeaders } from '@sluice/providers'
import type { Logger } from '@sluice/service-kit'
import { sendableReasonPhrase } from '../http/forwarded-headers.ts'
import { type GatewayError, gatewayError } from '../http/gateway-error.ts'
import { writeError } from '../http/write-error.ts'
import { credentialRejected, isCredentialRejection } from '../upstream/credential-rejection.ts'
import { credentialVersionOf } from '../upstream/credentials.ts'
import type { CredentialSecrets } from '../upstream/sealed-box.ts'
import type { ResponseSink, UpstreamRequest } from '../upstream/upstream.ts'
import type { UpstreamFault } from '../upstream/upstream-fault.ts'
import type { PermittedCall } from './call.ts'
import { type AttemptDeps, CallAttempt, type SendOutcome } from './call-attempt.ts'
import { NO_SECRETS } from './outgoing-request.ts'
import { responsePipe } from './response-pipe.ts'
import {
  ENDED,
  failureOf,
  type HeadSent,
  type HoldingBody,
  type HoldingError,
  holdingError,
  isReadable,
  type ResponseState,
  type Streaming,
  stateOfResponse,
  WAITING,
} from './response-state.ts'
import { type ResponseHead, ResponseWriter } from './response-writer.ts'
import type { ResponseWatch } from './usage-addition.ts'

/**
 * Passes one provider's response on to the application as it comes, redacted, at the application's pace. Where the response is,
 * `response-state.ts` says; how its call ends, `call-attempt.ts`.
 */
export class ResponseRelay implements ResponseSink {
  readonly #deps: AttemptDeps
  readonly #call: PermittedCall
  readonly #response: ServerResponse
  readonly #writer: ResponseWriter
  readonly #attempt: CallAttempt
  #state: ResponseState = WAITING
  /** Set until the response is known to be the application's: the watch may hold the request's body. */
  #watch: ResponseWatch | undefined
  #redaction: SecretRedactor = NO_REDACTION
  /** Every byte passes it of a body that is not an error's, whatever its type. */
  #redactor: StreamRedactor = NO_REDACTOR

  constructor(deps: AttemptDeps, call: PermittedCall, response: ServerResponse, logger: Logger, watch?: ResponseWatch) {
    this.#deps = deps
    this.#call = call
    this.#response = response
    this.#watch = watch
    this.#writer = new ResponseWriter(call, response)
    this.#attempt = new CallAttempt(deps, call, response, logger, () => {
      this.#state = ENDED
    })
  }

  /** Sends the request, unless the client has disconnected by now. */
  send(request: UpstreamRequest, secrets: CredentialSecrets): Promise<SendOutcome> {
    this.#redaction = redactorOf(secrets)
    this.#redactor = this.#redaction.stream()
    return this.#attempt.send(request, this, credentialVersionOf(secrets))
  }

  /** The request cannot be sent: responds with `error`. */
  giveUp(error: GatewayError): void {
    this.#attempt.giveUp(error)
  }

  // What the HTTP client reports.

  departed(): void {
    this.#attempt.departed()
    if (this.#watch?.takesOver === undefined) this.#attempt.resolveRelayed()
  }

  start(status: number, statusMessage: string, headers: WireHeaders): void {
    this.#attempt.responded()
    this.#attempt.bounded(() => {
      if (status < 300) this.#call.permit.markServed()
      this.#begin({
        status,
        statusMessage: this.#redaction.errorText(sendableReasonPhrase(statusMessage)),
        // Some of them go into events and log lines, too.
        headers: this.#redaction.headers(headers),
        receivedAtMs: this.#deps.clock.nowMs(),
      })
    })
  }

  data(chunk: Buffer): boolean {
    try {
      return this.#pass(chunk)
    } catch (error) {
      this.#attempt.fail(error)
      return true
    }
  }

  end(): void {
    if (!this.#attempt.isEnded) this.#attempt.bounded(() => this.#complete())
  }

  fault(fault: UpstreamFault): void {
    if (!this.#attempt.isEnded) this.#attempt.bounded(() => this.#attempt.endByFault(fault))
  }

  // The response's way: head, body, end.

  #begin(head: ResponseHead): void {
    this.#attempt.recorder.began(head)
    if (head.status >= 400) {
      this.#state = holdingError(head)
      return
    }
    this.#watch?.accepted()
    this.#watch = undefined
    this.#attempt.resolveRelayed()
    const pipe = responsePipe(this.#call, head, this.#redaction)
    this.#attempt.recorder.readBy(pipe)
    const state = stateOfResponse(head, pipe, this.#call.translation !== undefined)
    this.#state = state
    if (state.phase === 'head-sent') this.#sendHead(state)
    else if (!isReadable(state)) this.giveUp(UNREADABLE)
  }

  /** Flushes the headers if no body arrives within this tick; otherwise both go out in one write. */
  #sendHead(state: HeadSent | HoldingBody): void {
    this.#writer.head(state.head, state.pipe?.contentType)
    queueMicrotask(() => {
      if (this.#state === state) this.#attempt.bounded(() => this.#response.flushHeaders())
    })
  }

  #pass(chunk: Buffer): boolean {
    const state = this.#state
    switch (state.phase) {
      case 'holding-error':
        if (!state.error.push(chunk)) {
          this.#attempt.abort()
          this.#respondError(state)
        }
        return true
      case 'waiting':
      case 'ended':
        return true
      default:
        return this.#passOn(state, this.#redactor.push(chunk))
    }
  }

  /** Returns false if the provider is to wait until the application has taken what was sent. */
  #passOn(state: HoldingBody | HeadSent | Streaming, bytes: Buffer): boolean {
    if (bytes.length === 0) return true
    const passed = state.pipe === undefined ? bytes : state.pipe.push(bytes)
    if (state.phase === 'holding-body' && !isReadable(state)) this.giveUp(UNREADABLE)
    if (passed.length === 0) return true
    const streaming = state.phase === 'streaming' ? state : this.#stream(state)
    if (this.#response.write(passed)) return true
    if (!streaming.awaitsDrain) this.#resumeOnDrain(streaming)
    return false
  }

  #stream({ head, pipe }: HoldingBody | HeadSent): Streaming {
    const streaming: Streaming = { phase: 'streaming', head, pipe, awaitsDrain: false }
    this.#state = streaming
    return streaming
  }

  #resumeOnDrain(streaming: Streaming): void {
    streaming.awaitsDrain = true
    this.#response.once('drain', () => {
      streaming.awaitsDrain = false
      this.#attempt.bounded(() => this.#attempt.resume())
    })
  }

  #complete(): void {
    const state = this.#state
    if (state.phase === 'holding-error') {
      this.#respondError(state)
      return
    }
    if (state.phase === 'waiting' || state.phase === 'ended') return
    this.#passOn(state, this.#redactor.end())
    if (this.#attempt.isEnded) return
    const rest = state.pipe === undefined ? EMPTY : state.pipe.end()
    if (rest === undefined) {
      this.#respondFailure(state)
      return
    }
    if (state.phase === 'holding-body') this.#writer.head(state.head, state.pipe?.contentType)
    if (rest.length > 0) this.#response.write(rest)
    this.#response.end()
    this.#attempt.complete()
  }

  /** Responds with a provider's error, which is whole now. */
  #respondError({ head, error }: HoldingError): void {
    const whole = error.complete((body) => this.#redaction.error(body))
    this.#attempt.recorder.failed(whole.body)
    if (this.#watch?.takesOver?.(whole) === true) {
      this.#attempt.giveWay(head.status)
      return
    }
    this.#watch?.rejected?.(whole)
    const { status, headers } = head
    const { requestId } = this.#attempt
    if (isCredentialRejection(this.#call, { status, headers, body: whole.body })) {
      writeError(this.#response, credentialRejected(this.#call, status), { ...this.#call, requestId })
    } else {
      this.#writer.error(head, whole, this.#redaction)
    }
    this.#attempt.complete()
  }

  /** Responds in place of a body that was held back and turned out to be no response. */
  #respondFailure({ head, pipe }: HoldingBody | HeadSent | Streaming): void {
    const failure = pipe?.failure
    if (pipe === undefined || failure === undefined) {
      this.giveUp(UNREADABLE)
      return
    }
    const ends = failureOf(pipe)
    if (ends.kind === 'error') this.#writer.failureOfStatus(ends.status, head, failure, this.#redaction)
    else this.#writer.failure(head, failure, this.#redaction)
    this.#attempt.complete()
  }
}

const EMPTY = Buffer.alloc(0)
/** The redaction until the request is sent. Without secrets it has no state. */
const NO_REDACTION = redactorOf(NO_SECRETS)
const NO_REDACTOR = NO_REDACTION.stream()
const UNREADABLE = gatewayError('upstream_unreachable', 'The provider’s response could not be understood.', {
  isFinal: true,
})
