import type { ServerResponse } from 'node:http'
import type { Logger } from '@sluice/service-kit'
import type { FinishDeps } from '../accounting/finish-call.ts'
import { type CallEnd, limitedCost, NOTHING_USED, settledCost } from '../accounting/settlement.ts'
import { type GatewayError, gatewayError, INTERNAL_ERROR } from '../http/gateway-error.ts'
import { writeError } from '../http/write-error.ts'
import type { ResponseSink, Upstream, UpstreamCall, UpstreamRequest } from '../upstream/upstream.ts'
import { interrupterOf, type UpstreamFault, upstreamFaultError } from '../upstream/upstream-fault.ts'
import type { PermittedCall } from './call.ts'
import { Departure } from './departure.ts'
import { type RecordedEnd, ResponseRecorder } from './response-recorder.ts'
import { reportedRequestId } from './response-writer.ts'

export interface AttemptDeps extends FinishDeps {
  readonly upstream: Upstream
}

/**
 * `relayed`: the request is on its way, or its call has ended; with a watch that may take over, the response is known to be the
 * application's. `too-late`: the permit was too old by the time the request could leave, and went back. `taken-over`: the watch has taken the
 * response over. After the last two, the request is to be sent again, in another attempt under another permit.
 */
export type SendOutcome = 'relayed' | 'too-late' | 'taken-over'

/**
 * One attempt at a call: its request at the HTTP client, its permit, and how it ends. It ends once: with the response, by a fault (of the
 * gateway, too), because the client disconnected, or for another attempt. Whichever it is, the permit is settled.
 */
export class CallAttempt {
  /** Gathers what is known of the response. */
  readonly recorder: ResponseRecorder
  readonly #deps: AttemptDeps
  readonly #call: PermittedCall
  readonly #response: ServerResponse
  readonly #logger: Logger
  readonly #onEnded: () => void
  readonly #onClose = () => this.#disconnected()
  #isEnded = false
  #upstream: UpstreamCall | undefined
  #departure: Departure | undefined
  #outcome: PromiseWithResolvers<SendOutcome> | undefined

  /** @param onEnded called once, when nothing of the response follows */
  constructor(deps: AttemptDeps, call: PermittedCall, response: ServerResponse, logger: Logger, onEnded: () => void) {
    this.#deps = deps
    this.#call = call
    this.#response = response
    this.#logger = logger
    this.#onEnded = onEnded
    this.recorder = new ResponseRecorder(deps, call)
    response.on('close', this.#onClose)
    if (response.destroyed) this.#disconnected()
  }

  get isEnded(): boolean {
    return this.#isEnded
  }

  /** The request ID that the application gets. */
  get requestId(): string {
    return reportedRequestId(this.#call.requestId, this.recorder.head)
  }

  /** Sends the request, unless the client has disconnected by now. @param credentialVersion undefined where no credential is stored */
  send(request: UpstreamRequest, sink: ResponseSink, credentialVersion: number | undefined): Promise<SendOutcome> {
    if (this.#isEnded) {
      request.released?.()
      return RELAYED
    }
    const { permit } = this.#call
    this.recorder.sending(credentialVersion)
    this.#departure = new Departure(permit, request.body, this.#deps.clock)
    this.#outcome = Promise.withResolvers()
    this.#upstream = this.#deps.upstream.send(request, sink, permit.departByMs)
    if (!this.#upstream.sent && !this.#isEnded) this.#departure.awaitsConnection((act) => this.bounded(act))
    return this.#outcome.promise
  }

  /** Notes that the request begins to leave. */
  departed(): void {
    if (!this.#isEnded) this.#departure?.departed(() => this.#goesOnUncharged())
  }

  /** Notes that the provider responds. */
  responded(): void {
    this.#departure?.responded()?.catch((err: unknown) => this.#notCharged(err))
  }

  /** Resolves {@link send}: the request will not be sent again. */
  resolveRelayed(): void {
    this.#outcome?.resolve('relayed')
  }

  /** Lets the provider go on with its response. */
  resume(): void {
    this.#upstream?.resume()
  }

  /** Stops the provider's response. */
  abort(): void {
    this.#upstream?.abort()
  }

  /** Ends the attempt by what `act` throws: thrown in an event of a connection or a timer, it would end the process. */
  bounded(act: () => void): void {
    try {
      act()
    } catch (error) {
      this.fail(error)
    }
  }

  // The ends of the call.

  /** Ends the call with its whole response. */
  complete(): void {
    this.#finish(undefined)
  }

  /** Ends a call whose request cannot be sent, or whose response cannot be used: responds with `error`. */
  giveUp(error: GatewayError): void {
    if (this.#isEnded) return
    this.abort()
    this.#breakOff('provider', error)
  }

  /** Ends a call whose response cannot be passed on, for a reason that lies in the gateway. */
  fail(err: unknown): void {
    this.#logger.error({ err, requestId: this.requestId }, 'a response could not be passed on')
    this.abort()
    this.#breakOff('provider', INTERNAL_ERROR)
  }

  /** Ends a call by a fault of its upstream, or the attempt if the request was too late. */
  endByFault({ reason, error }: UpstreamFault): void {
    if (reason === 'too-late') {
      this.#tooLate()
      return
    }
    const { name } = this.#call.connection.settings
    this.#logger.warn({ err: error, reason, connection: name, requestId: this.requestId }, 'upstream fault')
    const moment = {
      connection: name,
      wasSent: this.#upstream?.sent ?? false,
      hasBegun: this.recorder.head !== undefined,
    }
    this.#breakOff(interrupterOf(reason), upstreamFaultError(reason, moment))
  }

  #disconnected(): void {
    if (this.#isEnded) return
    this.abort()
    this.#finish('client')
  }

  /**
   * Ends call and response. An application that has part of a response learns of it in its stream, where that has a way to say so, and
   * otherwise by the broken connection. Never throws.
   */
  #breakOff(interruptedBy: CallEnd['interruptedBy'], error: GatewayError): void {
    if (!this.#isEnded) this.#finish(interruptedBy)
    try {
      if (this.#response.headersSent) {
        const lastWords = this.recorder.pipe?.breakOff(error.message)
        if (lastWords === undefined) this.#response.destroy()
        else this.#response.end(lastWords)
        return
      }
      writeError(this.#response, error, { ...this.#call, requestId: this.requestId })
    } catch (err) {
      this.#logger.error({ err, requestId: this.requestId }, 'could not respond with an error')
      this.#response.destroy()
    }
  }

  /** Settles and records. Never throws: whatever the response holds, the permit is settled. */
  #finish(interruptedBy: CallEnd['interruptedBy']): void {
    this.#end()
    this.#outcome?.resolve('relayed')
    const charged = this.#departure?.end()
    const sent = this.#upstream?.sent ?? false
    const upstreamMs = sent ? this.recorder.sinceSentMs() : undefined
    const end = { requestId: this.requestId, sent, interruptedBy, upstreamMs }
    if (charged === undefined) this.#record(end)
    else void charged.catch((err: unknown) => this.#notCharged(err)).then(() => this.#record(end))
  }

  #record(end: RecordedEnd): void {
    try {
      this.recorder.finish(end)?.catch((err: unknown) => this.#notRecorded(err))
    } catch (err) {
      this.#notRecorded(err)
    }
  }

  // The ends of this attempt alone: another one follows.

  /** Gives the permit back unused: the request was not sent. */
  #tooLate(): void {
    void this.#release()
    this.#call.permit.settle(NOTHING_USED)
    this.#outcome?.resolve('too-late')
  }

  /** Leaves the response out: the application gets nothing of it. The request was sent, and used no tokens. */
  giveWay(status: number): void {
    const end = { sent: true, status, outputTokensSeen: 0 }
    const settle = (): void => {
      this.#call.permit.settle(settledCost(end, this.#call), undefined, limitedCost(end, this.#call))
    }
    const released = this.#release()
    if (released === undefined) settle()
    else void released.then(settle)
    this.#outcome?.resolve('taken-over')
  }

  /** Leaves the response to the next attempt. */
  #release(): Promise<void> | undefined {
    this.#end()
    this.#response.off('close', this.#onClose)
    return this.#departure?.end()?.catch((err: unknown) => this.#notCharged(err))
  }

  #end(): void {
    this.#isEnded = true
    this.#onEnded()
  }

  /** Returns whether an upload goes on whose charge cannot be renewed, as capacity is unavailable. */
  #goesOnUncharged(): boolean {
    const { name, onCapacityUnavailable } = this.#call.connection.settings
    if (onCapacityUnavailable === 'allow') return true
    this.giveUp(gatewayError('capacity_unavailable', `Capacity for connection "${name}" is temporarily unavailable.`))
    return false
  }

  #notRecorded(err: unknown): void {
    this.#logger.error({ err, requestId: this.requestId }, 'a call could not be finished')
  }

  #notCharged(err: unknown): void {
    this.#logger.error({ err, requestId: this.requestId }, 'a charge could not be moved')
  }
}

const RELAYED: Promise<SendOutcome> = Promise.resolve('relayed')
