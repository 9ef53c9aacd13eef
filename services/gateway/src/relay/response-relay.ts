import type { ServerResponse } from 'node:http'
import { redactorOf, type SecretRedactor, type StreamRedactor } from '@sluice/egress'
import type { WireHeaders } from '@sluice/providers'
import type { Logger } from '@sluice/service-kit'
import type { FinishDeps } from '../accounting/finish-call.ts'
import { type CallEnd, limitedCost, NOTHING_USED, settledCost } from '../accounting/settlement.ts'
import { sendableReasonPhrase } from '../http/forwarded-headers.ts'
import { type GatewayError, gatewayError, INTERNAL_ERROR } from '../http/gateway-error.ts'
import { writeError } from '../http/write-error.ts'
import { credentialRejected, isCredentialRejection } from '../upstream/credential-rejection.ts'
import { credentialVersionOf } from '../upstream/credentials.ts'
import type { CredentialSecrets } from '../upstream/sealed-box.ts'
import type { ResponseSink, Upstream, UpstreamCall, UpstreamRequest } from '../upstream/upstream.ts'
import { interrupterOf, type UpstreamFault, upstreamFaultError } from '../upstream/upstream-fault.ts'
import type { PermittedCall } from './call.ts'
import { Departure } from './departure.ts'
import { NO_SECRETS } from './outgoing-request.ts'
import { responsePipe } from './response-pipe.ts'
import { type RecordedEnd, ResponseRecorder } from './response-recorder.ts'
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
import { type ResponseHead, ResponseWriter, reportedRequestId } from './response-writer.ts'
import type { ResponseWatch } from './usage-addition.ts'

export interface RelayDeps extends FinishDeps {
  readonly upstream: Upstream
}

/**
 * `relayed`: the request is on its way, or its call has ended; with a watch that may take over, the response is known to be the
 * application's. `too-late`: the permit was too old by the time the request could leave, and went back. `taken-over`: the watch has taken the
 * response over. After the last two, the request is to be sent again, by another relay under another permit.
 */
export type SendOutcome = 'relayed' | 'too-late' | 'taken-over'

/**
 * Takes one provider's response to the application as it comes, at the application's pace, and finishes its call once, however it ends: with
 * the response, by a fault (of the relay itself, too), or because the client disconnected. Where the response is, `response-state.ts` says.
 */
export class ResponseRelay implements ResponseSink {
  readonly #deps: RelayDeps
  readonly #call: PermittedCall
  readonly #response: ServerResponse
  readonly #logger: Logger
  readonly #writer: ResponseWriter
  readonly #recorder: ResponseRecorder
  #state: ResponseState = WAITING
  /** Until the response is known to be the application's: it may hold the request's body. */
  #watch: ResponseWatch | undefined
  #redaction: SecretRedactor = NO_REDACTION
  /** Every byte passes it of a body that is not an error's, whatever its type. */
  #redactor: StreamRedactor = NO_REDACTOR
  #upstream: UpstreamCall | undefined
  #departure: Departure | undefined
  #outcome: PromiseWithResolvers<SendOutcome> | undefined
  readonly #onClose = () => this.#disconnected()

  constructor(deps: RelayDeps, call: PermittedCall, response: ServerResponse, logger: Logger, watch?: ResponseWatch) {
    this.#deps = deps
    this.#call = call
    this.#response = response
    this.#logger = logger
    this.#watch = watch
    this.#writer = new ResponseWriter(call, response)
    this.#recorder = new ResponseRecorder(deps, call)
    response.on('close', this.#onClose)
    if (response.destroyed) this.#disconnected()
  }

  /** Sends the request, unless the client has disconnected by now. */
  send(request: UpstreamRequest, secrets: CredentialSecrets): Promise<SendOutcome> {
    if (this.#state === ENDED) {
      request.released?.()
      return RELAYED
    }
    const { permit } = this.#call
    this.#redaction = redactorOf(secrets)
    this.#redactor = this.#redaction.stream()
    this.#recorder.sending(credentialVersionOf(secrets))
    this.#departure = new Departure(permit, request.body, this.#deps.clock)
    this.#outcome = Promise.withResolvers()
    this.#upstream = this.#deps.upstream.send(request, this, permit.departByMs)
    if (!this.#upstream.sent && !this.#isEnded()) this.#departure.awaitsConnection((act) => this.#bounded(act))
    return this.#outcome.promise
  }

  /** The request cannot be sent: responds with `error`. */
  giveUp(error: GatewayError): void {
    if (this.#isEnded()) return
    this.#upstream?.abort()
    this.#breakOff('provider', error)
  }

  // What the HTTP client reports.

  departed(): void {
    if (!this.#isEnded()) this.#departure?.departed(() => this.#goesOnUncharged())
    if (this.#watch?.takesOver === undefined) this.#outcome?.resolve('relayed')
  }

  start(status: number, statusMessage: string, headers: WireHeaders): void {
    this.#departure?.responded()?.catch((err: unknown) => this.#notCharged(err))
    this.#bounded(() => {
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
      this.#fail(error)
      return true
    }
  }

  end(): void {
    if (!this.#isEnded()) this.#bounded(() => this.#complete())
  }

  fault(fault: UpstreamFault): void {
    if (!this.#isEnded()) this.#bounded(() => this.#endByFault(fault))
  }

  // The response's way: head, body, end.

  #begin(head: ResponseHead): void {
    this.#recorder.began(head)
    if (head.status >= 400) {
      this.#state = holdingError(head)
      return
    }
    this.#watch?.accepted()
    this.#watch = undefined
    this.#outcome?.resolve('relayed')
    const pipe = responsePipe(this.#call, head, this.#redaction)
    this.#recorder.readBy(pipe)
    const state = stateOfResponse(head, pipe, this.#call.translation !== undefined)
    this.#state = state
    if (state.phase === 'head-sent') this.#sendHead(state)
    else if (!isReadable(state)) this.giveUp(UNREADABLE)
  }

  /** Sends the head together with the first of the body where that comes within this tick, and otherwise by itself. */
  #sendHead(state: HeadSent | HoldingBody): void {
    this.#writer.head(state.head, state.pipe?.contentType)
    queueMicrotask(() => {
      if (this.#state === state) this.#bounded(() => this.#response.flushHeaders())
    })
  }

  #pass(chunk: Buffer): boolean {
    const state = this.#state
    switch (state.phase) {
      case 'holding-error':
        if (!state.error.push(chunk)) {
          this.#upstream?.abort()
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

  /** Returns false where the provider is to wait until the application has taken what was sent. */
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
      this.#bounded(() => this.#upstream?.resume())
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
    if (this.#isEnded()) return
    const rest = state.pipe === undefined ? EMPTY : state.pipe.end()
    if (rest === undefined) {
      this.#respondFailure(state)
      return
    }
    if (state.phase === 'holding-body') this.#writer.head(state.head, state.pipe?.contentType)
    if (rest.length > 0) this.#response.write(rest)
    this.#response.end()
    this.#finish(undefined)
  }

  /** Responds with a provider's error, which is whole now. */
  #respondError({ head, error }: HoldingError): void {
    const whole = error.complete((body) => this.#redaction.error(body))
    this.#recorder.failed(whole.body)
    if (this.#watch?.takesOver?.(whole) === true) {
      this.#giveWay(head)
      return
    }
    this.#watch?.rejected?.(whole)
    const { status, headers } = head
    if (isCredentialRejection(this.#call, { status, headers, body: whole.body })) {
      writeError(this.#response, credentialRejected(this.#call, status), { ...this.#call, requestId: this.#requestId })
    } else {
      this.#writer.error(head, whole, this.#redaction)
    }
    this.#finish(undefined)
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
    this.#finish(undefined)
  }

  // The end: by a fault, for another attempt, or of the call.

  #endByFault({ reason, error }: UpstreamFault): void {
    if (reason === 'too-late') {
      this.#tooLate()
      return
    }
    const { name } = this.#call.connection.settings
    this.#logger.warn({ err: error, reason, connection: name, requestId: this.#requestId }, 'upstream fault')
    const moment = {
      connection: name,
      wasSent: this.#upstream?.sent ?? false,
      hasBegun: this.#recorder.head !== undefined,
    }
    this.#breakOff(interrupterOf(reason), upstreamFaultError(reason, moment))
  }

  /** The permit goes back unused: the request was not sent. */
  #tooLate(): void {
    void this.#release()
    this.#call.permit.settle(NOTHING_USED)
    this.#outcome?.resolve('too-late')
  }

  /** The application gets nothing of this response. The request was sent, and used no tokens. */
  #giveWay({ status }: ResponseHead): void {
    const end = { sent: true, status, outputTokensSeen: 0 }
    const settle = (): void => {
      this.#call.permit.settle(settledCost(end, this.#call), undefined, limitedCost(end, this.#call))
    }
    const released = this.#release()
    if (released === undefined) settle()
    else void released.then(settle)
    this.#outcome?.resolve('taken-over')
  }

  /** Leaves the response to another relay. */
  #release(): Promise<void> | undefined {
    this.#state = ENDED
    this.#response.off('close', this.#onClose)
    return this.#departure?.end()?.catch((err: unknown) => this.#notCharged(err))
  }

  /** Returns whether an upload goes on whose charge cannot be renewed, as capacity is unavailable. */
  #goesOnUncharged(): boolean {
    const { name, onCapacityUnavailable } = this.#call.connection.settings
    if (onCapacityUnavailable === 'allow') return true
    this.giveUp(gatewayError('capacity_unavailable', `Capacity for connection "${name}" is temporarily unavailable.`))
    return false
  }

  #disconnected(): void {
    if (this.#isEnded()) return
    this.#upstream?.abort()
    this.#finish('client')
  }

  /** Ends this call by what `act` throws: thrown in an event of a connection or a timer, it would end the process. */
  #bounded(act: () => void): void {
    try {
      act()
    } catch (error) {
      this.#fail(error)
    }
  }

  /** The response cannot be passed on, for a reason that lies in the gateway. */
  #fail(err: unknown): void {
    this.#logger.error({ err, requestId: this.#requestId }, 'a response could not be passed on')
    this.#upstream?.abort()
    this.#breakOff('provider', INTERNAL_ERROR)
  }

  /**
   * Ends call and response. An application that has part of a response learns of it in its stream, where that has a way to say so, and
   * otherwise by the broken connection. Never throws.
   */
  #breakOff(interruptedBy: CallEnd['interruptedBy'], error: GatewayError): void {
    if (!this.#isEnded()) this.#finish(interruptedBy)
    try {
      if (this.#response.headersSent) {
        const lastWords = this.#recorder.pipe?.breakOff(error.message)
        if (lastWords === undefined) this.#response.destroy()
        else this.#response.end(lastWords)
        return
      }
      writeError(this.#response, error, { ...this.#call, requestId: this.#requestId })
    } catch (err) {
      this.#logger.error({ err, requestId: this.#requestId }, 'could not respond with an error')
      this.#response.destroy()
    }
  }

  /** Finishes the call. Never throws: whatever the response holds, the permit is settled. */
  #finish(interruptedBy: CallEnd['interruptedBy']): void {
    this.#state = ENDED
    this.#outcome?.resolve('relayed')
    const charged = this.#departure?.end()
    const sent = this.#upstream?.sent ?? false
    const upstreamMs = sent ? this.#recorder.sinceSentMs() : undefined
    const end = { requestId: this.#requestId, sent, interruptedBy, upstreamMs }
    if (charged === undefined) this.#record(end)
    else void charged.catch((err: unknown) => this.#notCharged(err)).then(() => this.#record(end))
  }

  #record(end: RecordedEnd): void {
    try {
      this.#recorder.finish(end)?.catch((err: unknown) => this.#notRecorded(err))
    } catch (err) {
      this.#notRecorded(err)
    }
  }

  #notRecorded(err: unknown): void {
    this.#logger.error({ err, requestId: this.#requestId }, 'a call could not be finished')
  }

  #notCharged(err: unknown): void {
    this.#logger.error({ err, requestId: this.#requestId }, 'a charge could not be moved')
  }

  #isEnded(): boolean {
    return this.#state === ENDED
  }

  get #requestId(): string {
    return reportedRequestId(this.#call.requestId, this.#recorder.head)
  }
}

const RELAYED: Promise<SendOutcome> = Promise.resolve('relayed')
const EMPTY = Buffer.alloc(0)
/** Until the request is sent. Without secrets they have no state. */
const NO_REDACTION = redactorOf(NO_SECRETS)
const NO_REDACTOR = NO_REDACTION.stream()
const UNREADABLE = gatewayError('upstream_unreachable', 'The provider’s answer could not be understood.', {
  isFinal: true,
})
