import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { redactorOf, type SecretRedactor, type StreamRedactor } from '@sluice/egress'
import type { WireHeaders } from '@sluice/providers'
import type { Logger } from '@sluice/service-kit'
import type { AdditionalUsage } from '../accounting/background-charge.ts'
import { type CallEnd, limitedCost, NOTHING_USED, settledCost } from '../accounting/settlement.ts'
import type { DataPlane } from '../data-plane.ts'
import { sendableReasonPhrase } from '../http/forwarded-headers.ts'
import { type GatewayError, gatewayError } from '../http/gateway-error.ts'
import { writeError } from '../http/write-error.ts'
import { type ChargeKeeper, keepCharged } from '../permits/charge-keeper.ts'
import type { Permit } from '../permits/permit.ts'
import { credentialRejected, rejectsCredential } from '../upstream/credential-rejection.ts'
import { type CredentialSecrets, credentialVersionOf } from '../upstream/credentials.ts'
import type { ResponseSink, UpstreamCall, UpstreamRequest } from '../upstream/upstream.ts'
import { interrupterOf, type UpstreamFault, upstreamFaultError } from '../upstream/upstream-fault.ts'
import type { PermittedCall } from './call.ts'
import { type CallResult, finishCall } from './finish-call.ts'
import { NO_SECRETS } from './outgoing-request.ts'
import { ResponsePipe } from './response-pipe.ts'
import {
  contentTypeOf,
  HeldResponse,
  type ResponseHead,
  ResponseWriter,
  reportedRequestId,
  type WholeResponse,
} from './response-writer.ts'

/**
 * Takes one provider's answer to the application as it comes, at the application's pace, and sees to it that the call is
 * finished once, however it ends: with the answer, by a fault (its own included), or because the application went away.
 */
export class ResponseRelay implements ResponseSink {
  readonly #plane: DataPlane
  readonly #call: PermittedCall
  readonly #response: ServerResponse
  readonly #logger: Logger
  readonly #writer: ResponseWriter
  #redaction: SecretRedactor = NO_REDACTION
  #credentialVersion: number | undefined
  /** Stands over every byte of a body that is not an error's, whatever its type. */
  #redactor: StreamRedactor = NO_REDACTOR
  #upstream: UpstreamCall | undefined
  #pipe: ResponsePipe | undefined
  /** Errors are held back until they are whole: what is in them is read, and may have to be put in other words. */
  #held: HeldResponse | undefined
  #errorBody: Buffer | undefined
  #head: ResponseHead | undefined
  #sentAtMs: number | undefined
  #timeToFirstByteMs: number | undefined
  #bodyBegan = false
  #resumesOnDrain = false
  #finished = false
  /** Resolves when the request has departed, or never will. */
  #departure: PromiseWithResolvers<Departed> | undefined
  #lapse: NodeJS.Timeout | undefined
  /** For a request that leaves over time. */
  #keeper: ChargeKeeper | undefined
  #body: UpstreamRequest['body'] = null
  /** Until the response is known to be the application's. */
  #watch: ResponseWatch
  readonly #onClose = () => this.#clientGone()

  constructor(
    plane: DataPlane,
    call: PermittedCall,
    response: ServerResponse,
    logger: Logger,
    watch: ResponseWatch = NO_WATCH,
  ) {
    this.#plane = plane
    this.#call = call
    this.#response = response
    this.#logger = logger
    this.#watch = watch
    this.#writer = new ResponseWriter(call, response)
    response.on('close', this.#onClose)
    if (response.destroyed) this.#clientGone()
  }

  /**
   * Sends the request, unless the application has gone away by now. Resolves with `departed` when it is on its way or the call has
   * ended; with `too-late` when its permit was too old by the time it could leave: the permit went back, this relay is done with, and
   * the request is to be sent again under a fresh permit.
   */
  send(request: UpstreamRequest, secrets: CredentialSecrets): Promise<Departed> {
    if (this.#finished) {
      request.released?.()
      return DEPARTED
    }
    const { permit } = this.#call
    this.#redaction = redactorOf(secrets)
    this.#credentialVersion = credentialVersionOf(secrets)
    this.#redactor = this.#redaction.stream()
    this.#body = request.body
    this.#sentAtMs = this.#plane.clock.elapsedMs()
    this.#departure = Promise.withResolvers()
    this.#upstream = this.#plane.upstream.send(request, this, permit.departByMs)
    if (!this.#upstream.sent && !this.#finished && permit.departByMs !== Number.POSITIVE_INFINITY)
      this.#awaitLapse(permit)
    return this.#departure.promise
  }

  /** While a connection is made, a permit that can no longer be used is free for others: not before, and timers may be early. */
  #awaitLapse(permit: Permit): void {
    const leftMs = permit.departByMs - this.#plane.clock.elapsedMs()
    if (leftMs < 0) this.#bounded(() => permit.settle(NOTHING_USED))
    else this.#lapse = setTimeout(() => this.#awaitLapse(permit), Math.ceil(leftMs) + 1)
  }

  departed(): void {
    clearTimeout(this.#lapse)
    if (leavesOverTime(this.#body) && !this.#finished) {
      this.#keeper = keepCharged(this.#call.permit, () => this.#chargeLapsed())
    }
    this.#departure?.resolve('departed')
  }

  /** The request cannot be sent: answers with `error`. */
  giveUp(error: GatewayError): void {
    if (this.#finished) return
    this.#upstream?.abort()
    this.#breakOff('provider', error)
  }

  start(status: number, statusMessage: string, headers: WireHeaders): void {
    // A provider that responds has the whole request, unless it responds early.
    if (isWritten(this.#body)) void this.#endCharging()
    this.#bounded(() => {
      if (status < 300) this.#call.permit.markServed()
      const receivedAtMs = this.#plane.clock.nowMs()
      this.#begin({
        status,
        statusMessage: this.#redaction.errorText(sendableReasonPhrase(statusMessage)),
        // Some of them go into events and log lines, too.
        headers: this.#redaction.headers(headers),
        receivedAtMs,
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
    if (!this.#finished) this.#bounded(() => this.#complete())
  }

  fault(fault: UpstreamFault): void {
    if (!this.#finished) this.#bounded(() => this.#endByFault(fault))
  }

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
      hasBegun: this.#head !== undefined,
    }
    this.#breakOff(interrupterOf(reason), upstreamFaultError(reason, moment))
  }

  #begin(head: ResponseHead): void {
    this.#head = head
    this.#timeToFirstByteMs = this.#sinceSentMs()
    if (head.status >= 400) {
      this.#held = new HeldResponse(head.status, head.statusMessage, head.headers)
      return
    }
    this.#watch.accepted?.()
    // It may hold the request's body, which is of no use any more.
    this.#watch = NO_WATCH
    this.#pipe = this.#pipeFor(head)
    if (this.#call.translation !== undefined && (this.#pipe === undefined || head.status === NO_CONTENT)) {
      this.giveUp(UNREADABLE)
      return
    }
    if (this.#pipe?.isHeldBack) return
    this.#writer.head(head, this.#pipe?.contentType)
    // An answer whose body lets wait for itself shows its head at once; otherwise both go out together.
    queueMicrotask(() => {
      if (!this.#bodyBegan && !this.#finished) this.#bounded(() => this.#response.flushHeaders())
    })
  }

  /** Undefined for an answer that can only be passed on as it is. */
  #pipeFor(head: ResponseHead): ResponsePipe | undefined {
    if (head.status >= 300) return undefined
    const { connection, operation, inspection, translation } = this.#call
    const type = contentTypeOf(head)
    return new ResponsePipe({
      reader: connection.adapter.responseReader(operation, inspection, head.headers),
      // A stream need not say that it is one.
      isEventStream: inspection.streamed || type.startsWith('text/event-stream'),
      ...(translation && {
        translation: { translator: translation.translator(type), redactor: this.#redaction.stream() },
      }),
    })
  }

  #pass(chunk: Buffer): boolean {
    if (this.#held === undefined) return this.#passSafe(this.#redactor.push(chunk))
    if (!this.#held.push(chunk)) {
      this.#upstream?.abort()
      this.#responseHeld(this.#held)
    }
    return true
  }

  #passSafe(bytes: Buffer): boolean {
    if (bytes.length === 0) return true
    const passed = this.#pipe === undefined ? bytes : this.#pipe.push(bytes)
    if (this.#pipe?.isSpoiled) this.giveUp(UNREADABLE)
    if (passed.length === 0) return true
    this.#bodyBegan = true
    if (this.#response.write(passed)) return true
    this.#resumeOnDrain()
    return false
  }

  #complete(): void {
    if (this.#held !== undefined) {
      this.#responseHeld(this.#held)
      return
    }
    this.#passSafe(this.#redactor.end())
    if (this.#finished) return
    const rest = this.#pipe === undefined ? EMPTY : this.#pipe.end()
    if (rest === undefined) {
      this.#responseFailure()
      return
    }
    if (this.#pipe?.isHeldBack && this.#head !== undefined) this.#writer.head(this.#head, this.#pipe.contentType)
    if (rest.length > 0) this.#response.write(rest)
    this.#response.end()
    this.#finish(undefined)
  }

  /** The answer was held back in vain: it says why it is none, or was not understood. */
  #responseFailure(): void {
    const failure = this.#pipe?.failure
    if (failure === undefined || this.#head === undefined) {
      this.giveUp(UNREADABLE)
      return
    }
    const status = this.#pipe?.reader.errorStatus
    // An error that does not say which it is may be of what was generated.
    if (status === undefined || status === INTERNAL_ERROR) this.#writer.failure(this.#head, failure, this.#redaction)
    else this.#writer.failureOfStatus(status, this.#head, failure, this.#redaction)
    this.#finish(undefined)
  }

  #responseHeld(held: HeldResponse): void {
    if (this.#head === undefined) throw new Error('an error is held whose head has not come')
    const answer = held.whole((body) => this.#redaction.error(body))
    this.#errorBody = answer.body
    if (this.#watch.takesOver?.(answer) === true) {
      this.#giveWay()
      return
    }
    const { status, headers } = this.#head
    if (rejectsCredential(this.#call, { status, headers, body: answer.body })) {
      writeError(this.#response, credentialRejected(this.#call, status), { ...this.#call, requestId: this.#requestId })
    } else {
      this.#writer.error(this.#head, answer, this.#redaction)
    }
    this.#finish(undefined)
  }

  /** Nothing of this response is shown: the request is sent once more, under a permit of its own. This one was sent, and used no tokens. */
  #giveWay(): void {
    this.#finished = true
    clearTimeout(this.#lapse)
    this.#response.off('close', this.#onClose)
    this.#departure?.resolve('departed')
    const end = { sent: true, status: this.#head?.status ?? BAD_REQUEST, outputTokensSeen: 0 }
    const settle = (): void =>
      this.#call.permit.settle(settledCost(end, this.#call), undefined, limitedCost(end, this.#call))
    if (this.#keeper === undefined) settle()
    else void this.#endCharging()?.then(settle)
    const { sendAgain } = this.#watch
    this.#watch = NO_WATCH
    sendAgain?.()
  }

  #tooLate(): void {
    this.#finished = true
    clearTimeout(this.#lapse)
    this.#response.off('close', this.#onClose)
    this.#call.permit.settle(NOTHING_USED)
    this.#departure?.resolve('too-late')
  }

  /** Whether an upload goes on whose charge would soon count no more, since capacity cannot be asked. */
  #chargeLapsed(): boolean {
    const { name, onCapacityUnavailable } = this.#call.connection.settings
    if (onCapacityUnavailable === 'allow') return true
    this.giveUp(gatewayError('capacity_unavailable', `Capacity for connection "${name}" is temporarily unavailable.`))
    return false
  }

  #clientGone(): void {
    if (this.#finished) return
    this.#upstream?.abort()
    this.#finish('client')
  }

  /** What it throws ends this call: thrown in an event of a connection or a timer, it would end the process. */
  #bounded(act: () => void): void {
    try {
      act()
    } catch (error) {
      this.#fail(error)
    }
  }

  /** The answer cannot be passed on, for a reason that lies in the gateway. */
  #fail(err: unknown): void {
    this.#logger.error({ err, requestId: this.#requestId }, 'an answer could not be passed on')
    this.#upstream?.abort()
    this.#breakOff('provider', INTERNAL)
  }

  /**
   * Ends call and response; an application that has part of an answer learns of it by the broken connection, or in its stream
   * where that has a way to say so. Never throws.
   */
  #breakOff(interruptedBy: CallEnd['interruptedBy'], error: GatewayError): void {
    if (!this.#finished) this.#finish(interruptedBy)
    try {
      if (this.#response.headersSent) {
        const lastWords = this.#pipe?.breakOff(error.message)
        if (lastWords === undefined) this.#response.destroy()
        else this.#response.end(lastWords)
        return
      }
      writeError(this.#response, error, { ...this.#call, requestId: this.#requestId })
    } catch (err) {
      this.#logger.error({ err, requestId: this.#requestId }, 'an error could not be answered')
      this.#response.destroy()
    }
  }

  /** Never throws: whatever the answer holds, the permit is settled. */
  #finish(interruptedBy: CallEnd['interruptedBy']): void {
    this.#finished = true
    clearTimeout(this.#lapse)
    this.#departure?.resolve('departed')
    const upstreamMs = this.#upstream?.sent ? this.#sinceSentMs() : undefined
    if (this.#keeper === undefined) this.#close(interruptedBy, upstreamMs)
    else void this.#endCharging()?.then(() => this.#close(interruptedBy, upstreamMs))
  }

  /** Resolves when the permit can be settled; never rejects. */
  #endCharging(): Promise<void> | undefined {
    return this.#keeper?.end().catch((err: unknown) => {
      this.#logger.error({ err, requestId: this.#requestId }, 'a charge could not be moved')
    })
  }

  #close(interruptedBy: CallEnd['interruptedBy'], upstreamMs: number | undefined): void {
    const sent = this.#upstream?.sent ?? false
    try {
      // What a broken answer holds so far still counts.
      if (interruptedBy !== undefined) this.#pipe?.reader.end()
      const background = this.#pipe?.reader.background
      if (background?.usage === undefined) {
        this.#record(sent, interruptedBy, upstreamMs)
        return
      }
      // Another request began what this response reports on.
      const { id } = this.#call.connection.settings
      void this.#plane.backgroundResponses
        .report(id, background.id, background.usage)
        .then((beyond) => this.#record(sent, interruptedBy, upstreamMs, beyond))
        .catch((err: unknown) => this.#settleBlindly(sent, err))
    } catch (err) {
      this.#settleBlindly(sent, err)
    }
  }

  #settleBlindly(sent: boolean, err: unknown): void {
    this.#logger.error({ err, requestId: this.#requestId }, 'a call could not be finished')
    this.#call.permit.settle(settledCost({ sent, outputTokensSeen: 0 }, this.#call))
  }

  #record(
    sent: boolean,
    interruptedBy: CallEnd['interruptedBy'],
    upstreamMs: number | undefined,
    beyond?: AdditionalUsage,
  ): void {
    const reader = this.#pipe?.reader
    const usage = reader?.usage
    const result: CallResult = {
      requestId: this.#requestId,
      sent,
      interruptedBy,
      status: this.#head?.status,
      headers: this.#head?.headers,
      headersAtMs: this.#head?.receivedAtMs,
      credentialVersion: this.#credentialVersion,
      errorBody: this.#errorBody,
      errorStatus: this.#pipe?.errorStatus,
      timeToFirstByteMs: this.#timeToFirstByteMs,
      upstreamMs,
      usage,
      partialUsage: usage === undefined ? reader?.partialUsage : undefined,
      reportsUsage: reader?.reportsUsage ?? false,
      providerAddedInput: reader?.providerAddedInput ?? false,
      outputTokensSeen: reader?.outputTokensSeen ?? 0,
      background: reader?.background,
    }
    finishCall(this.#plane, this.#call, result, beyond)
  }

  get #requestId(): string {
    return reportedRequestId(this.#call.requestId, this.#head)
  }

  #resumeOnDrain(): void {
    if (this.#resumesOnDrain) return
    this.#resumesOnDrain = true
    this.#response.on('drain', () => this.#bounded(() => this.#upstream?.resume()))
  }

  #sinceSentMs(): number {
    return this.#plane.clock.elapsedMs() - (this.#sentAtMs ?? 0)
  }
}

/** Looks at a response before the application does. */
export interface ResponseWatch {
  /** It has a status below 400. */
  readonly accepted?: () => void
  /** Returns whether an error is not the application's, so that {@link sendAgain} is to be called in place of passing it on. */
  readonly takesOver?: (error: WholeResponse) => boolean
  readonly sendAgain?: () => void
}

const NO_WATCH: ResponseWatch = {}
const BAD_REQUEST = 400
const INTERNAL_ERROR = 500

/** Whether a request was written, or came too late to be. */
export type Departed = 'departed' | 'too-late'

/** What is larger takes long enough to leave that its end may be in another slot than its head. */
function leavesOverTime(body: UpstreamRequest['body']): boolean {
  return body !== null && (!(body instanceof Buffer) || body.length > AT_ONCE_BYTES)
}

function isWritten(body: UpstreamRequest['body']): boolean {
  return !(body instanceof Readable) || body.readableEnded
}

const AT_ONCE_BYTES = 256 * 1024
const DEPARTED: Promise<Departed> = Promise.resolve('departed')
const EMPTY = Buffer.alloc(0)
/** Of a request that has not been sent. Without secrets they have no state. */
const NO_REDACTION = redactorOf(NO_SECRETS)
const NO_REDACTOR = NO_REDACTION.stream()
const NO_CONTENT = 204
const INTERNAL = gatewayError('internal', 'Internal error.')
const UNREADABLE = gatewayError('upstream_unreachable', 'The provider’s answer could not be understood.', {
  isFinal: true,
})
