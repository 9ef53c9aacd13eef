import type { AdditionalUsage } from '../accounting/background-charge.ts'
import { type CallResult, type FinishDeps, finishCall } from '../accounting/finish-call.ts'
import { type CallEnd, settledCost } from '../accounting/settlement.ts'
import type { PermittedCall } from './call.ts'
import type { ResponsePipe } from './response-pipe.ts'
import type { ResponseHead } from './response-writer.ts'

export interface RecordedEnd {
  /** The ID that the application got with the response. */
  readonly requestId: string
  /** Whether any of the request was sent. */
  readonly sent: boolean
  readonly interruptedBy: CallEnd['interruptedBy']
  /** The time from sending to the end, in milliseconds; undefined if nothing was sent. */
  readonly upstreamMs: number | undefined
}

/** Gathers what becomes known of one response, streamed or whole, and finishes its call once. */
export class ResponseRecorder {
  readonly #deps: FinishDeps
  readonly #call: PermittedCall
  #credentialVersion: number | undefined
  #sentAtMs = 0
  #timeToFirstByteMs: number | undefined
  #head: ResponseHead | undefined
  #pipe: ResponsePipe | undefined
  #errorBody: Buffer | undefined

  constructor(deps: FinishDeps, call: PermittedCall) {
    this.#deps = deps
    this.#call = call
  }

  get head(): ResponseHead | undefined {
    return this.#head
  }

  get pipe(): ResponsePipe | undefined {
    return this.#pipe
  }

  /** Notes that the request is handed to the HTTP client. @param credentialVersion undefined if no credential is stored */
  sending(credentialVersion: number | undefined): void {
    this.#credentialVersion = credentialVersion
    this.#sentAtMs = this.#deps.clock.elapsedMs()
  }

  /** Notes that the response begins. */
  began(head: ResponseHead): void {
    this.#head = head
    this.#timeToFirstByteMs = this.sinceSentMs()
  }

  /** Notes the pipe that reads the body of a 2xx response. */
  readBy(pipe: ResponsePipe | undefined): void {
    this.#pipe = pipe
  }

  /** Notes that the response is an error. @param body whole, decoded and redacted */
  failed(body: Buffer): void {
    this.#errorBody = body
  }

  /**
   * Settles, learns and records. Returns a promise if a background response has to be looked up first.
   * @throws (or rejects with) what the response made its readers throw; the permit is settled in any case
   */
  finish(end: RecordedEnd): Promise<void> | undefined {
    try {
      // What a broken response holds so far still counts.
      if (end.interruptedBy !== undefined) this.#pipe?.reader.end()
      const background = this.#pipe?.reader.background
      if (background?.usage === undefined) {
        this.#finishCall(end)
        return undefined
      }
      // Another request began what this response reports on.
      const { id } = this.#call.connection.settings
      return this.#deps.backgroundResponses
        .report(id, background.id, background.usage)
        .then((additional) => this.#finishCall(end, additional))
        .catch((error: unknown) => this.abandon(end, error))
    } catch (error) {
      return this.abandon(end, error)
    }
  }

  /** Settles the permit as if nothing was known of what the request used. @throws the given error */
  abandon({ sent }: Pick<RecordedEnd, 'sent'>, error: unknown): never {
    this.#call.permit.settle(settledCost({ sent, outputTokensSeen: 0 }, this.#call))
    throw error
  }

  #finishCall(end: RecordedEnd, additional?: AdditionalUsage): void {
    const reader = this.#pipe?.reader
    const usage = reader?.usage
    const result: CallResult = {
      ...end,
      status: this.#head?.status,
      headers: this.#head?.headers,
      headersAtMs: this.#head?.receivedAtMs,
      credentialVersion: this.#credentialVersion,
      errorBody: this.#errorBody,
      errorStatus: this.#pipe?.errorStatus,
      timeToFirstByteMs: this.#timeToFirstByteMs,
      usage,
      partialUsage: usage === undefined ? reader?.partialUsage : undefined,
      reportsUsage: reader?.reportsUsage ?? false,
      providerAddedInput: reader?.providerAddedInput ?? false,
      outputTokensSeen: reader?.outputTokensSeen ?? 0,
      background: reader?.background,
    }
    finishCall(this.#deps, this.#call, result, additional)
  }

  /** Returns the milliseconds since the request was handed to the HTTP client. */
  sinceSentMs(): number {
    return this.#deps.clock.elapsedMs() - this.#sentAtMs
  }
}
