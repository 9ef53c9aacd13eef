import { Readable } from 'node:stream'
import { NOTHING_USED } from '../accounting/settlement.ts'
import { type ChargeKeeper, keepCharged } from '../permits/charge-keeper.ts'
import type { Permit } from '../permits/permit.ts'
import type { Clock } from '../ports.ts'
import type { UpstreamRequest } from '../upstream/upstream.ts'

/**
 * The permit of a request on its way out. It is free for others when it grows too old while the connection is made, and its charge moves along
 * while a large body leaves.
 */
export class Departure {
  readonly #permit: Permit
  readonly #body: UpstreamRequest['body']
  readonly #clock: Pick<Clock, 'elapsedMs'>
  #lapse: NodeJS.Timeout | undefined
  #keeper: ChargeKeeper | undefined

  constructor(permit: Permit, body: UpstreamRequest['body'], clock: Pick<Clock, 'elapsedMs'>) {
    this.#permit = permit
    this.#body = body
    this.#clock = clock
  }

  /** Notes that a connection has to be made first. @param bounded runs a timer's action, and catches what it throws */
  awaitsConnection(bounded: (act: () => void) => void): void {
    if (this.#permit.departByMs === Number.POSITIVE_INFINITY) return
    // Not before its time, and timers may be early.
    const leftMs = this.#permit.departByMs - this.#clock.elapsedMs()
    if (leftMs < 0) bounded(() => this.#permit.settle(NOTHING_USED))
    else this.#lapse = setTimeout(() => this.awaitsConnection(bounded), Math.ceil(leftMs) + 1)
  }

  /** Notes that the request begins to leave. @param goesOn see {@link keepCharged} */
  departed(goesOn: () => boolean): void {
    clearTimeout(this.#lapse)
    if (leavesOverTime(this.#body)) this.#keeper = keepCharged(this.#permit, goesOn)
  }

  /** Notes that the provider responds: it has the whole request, unless it responds early. */
  responded(): Promise<void> | undefined {
    return isWritten(this.#body) ? this.#keeper?.end() : undefined
  }

  /** Notes that nothing of the request leaves any more. Returns a promise if the permit cannot be settled yet; it may reject. */
  end(): Promise<void> | undefined {
    clearTimeout(this.#lapse)
    return this.#keeper?.end()
  }
}

/** Returns whether a body takes long enough to leave that its end may be in another slot than its head. */
function leavesOverTime(body: UpstreamRequest['body']): boolean {
  return body !== null && (!(body instanceof Buffer) || body.length > AT_ONCE_BYTES)
}

function isWritten(body: UpstreamRequest['body']): boolean {
  return !(body instanceof Readable) || body.readableEnded
}

const AT_ONCE_BYTES = 256 * 1024
