import {
  type Acquire,
  EXCHANGE_MAX_REPEAT_MS,
  type ExchangeReply,
  type ExchangeRequest,
  MAX_ACQUIRES_PER_EXCHANGE,
  MAX_SETTLEMENTS_PER_EXCHANGE,
  PERMIT_MAX_AGE_MS,
  type PermitResult,
  type Settlement,
  type WindowFigures,
} from '@sluice/contracts'
import { createSettlementQueue, givesBackOnly } from './settlement-queue.ts'

/** What one attempt to send an exchange came to. */
export type Attempt =
  | { readonly status: 'replied'; readonly reply: ExchangeReply }
  /** Nobody decided it, or nobody knows: it has to be sent again. */
  | { readonly status: 'failed' }
  /** Capacity will never decide it: the lane begins anew. */
  | { readonly status: 'refused' }

export interface LaneParts {
  /** An identity that no lane has had before, in this process or another. */
  readonly newIdentity: () => string
  /** One attempt to have the exchange decided. Never rejects. */
  readonly send: (request: ExchangeRequest) => Promise<Attempt>
  /** Monotonic milliseconds. */
  readonly nowMs: () => number
  readonly sleep: (durationMs: number) => Promise<void>
}

export type LaneOutcome =
  | {
      readonly status: 'decided'
      readonly result: PermitResult
      readonly windows: readonly WindowFigures[]
      /** Whether its settlement is to name the model. */
      readonly byModel: boolean
    }
  | { readonly status: 'unavailable' }

/** One gateway's conversation with capacity about one connection. */
export interface Lane {
  acquire(acquire: Acquire): Promise<LaneOutcome>
  /** Travels with the next exchange, at the latest `REFUND_LINGER_MS` from now. */
  settle(settlement: Settlement): void
  /** Resolves when all settlements so far are taken, or given up after `EXCHANGE_MAX_REPEAT_MS`. */
  flush(): Promise<void>
  /** Whether nothing waits and nothing is under way. */
  isIdle(): boolean
}

/** An acquire is answered `unavailable` when it was not decided after this long. */
export const ACQUIRE_TIMEOUT_MS = 2_000

/**
 * Refunds wait this long for an acquire that takes them along, which halves the commits of a connection with little traffic. In
 * the meantime only other gateways see less free than there is. What tightens a limit does not wait.
 */
export const REFUND_LINGER_MS = 200

interface Waiting {
  readonly acquire: Acquire
  readonly sinceMs: number
  readonly answer: (outcome: LaneOutcome) => void
  /** Was told `unavailable`: a permit that is granted yet has to be given back. */
  abandoned: boolean
}

/**
 * A lane has one exchange under way; what is asked for meanwhile leaves in the next. An exchange whose reply does not come is
 * repeated, unchanged and with its sequence number, until it is known what became of it, so that no permit is lost or counted
 * twice. Who waits is told `unavailable` before that.
 */
export function createLane(parts: LaneParts): Lane {
  let identity = parts.newIdentity()
  let seq = 0
  let waiting: Waiting[] = []
  const settlements = createSettlementQueue()
  let running: Promise<void> | undefined
  let lingering = false
  /** When the exchange under way was first sent, if an attempt at it has failed. */
  let failingSinceMs: number | undefined

  const start = (): void => {
    // A microtask later, so that what is asked for in the same turn leaves together.
    running ??= Promise.resolve().then(run)
  }

  const run = async (): Promise<void> => {
    while (waiting.length > 0 || settlements.size > 0) {
      const group = waiting.splice(0, MAX_ACQUIRES_PER_EXCHANGE)
      const sentAtMs = parts.nowMs()
      const reply = await deliver(group, sentAtMs, {
        gateway: identity,
        seq: ++seq,
        acquires: group.map(({ acquire }) => acquire),
        settlements: settlements.take(MAX_SETTLEMENTS_PER_EXCHANGE),
      })
      failingSinceMs = undefined
      if (reply === undefined) {
        identity = parts.newIdentity()
        seq = 0
        abandon(group, Number.POSITIVE_INFINITY)
      } else {
        conclude(group, reply, parts.nowMs() - sentAtMs)
      }
    }
    // In the turn that found nothing left: what is asked for after it starts anew.
    running = undefined
  }

  /** Undefined when it was refused, or stays undecided for longer than a repetition is safe. */
  const deliver = async (
    group: readonly Waiting[],
    sentAtMs: number,
    request: ExchangeRequest,
  ): Promise<ExchangeReply | undefined> => {
    for (let attempts = 0; parts.nowMs() - sentAtMs <= EXCHANGE_MAX_REPEAT_MS; attempts++) {
      const attempt = await parts.send(attempts === 0 ? request : { ...request, repeat: true })
      if (attempt.status === 'replied') return attempt.reply
      if (attempt.status === 'refused') return undefined
      failingSinceMs = sentAtMs
      const givenUpMs = parts.nowMs() - ACQUIRE_TIMEOUT_MS
      abandon(group, givenUpMs)
      abandon(waiting, givenUpMs)
      waiting = waiting.filter(({ abandoned }) => !abandoned)
      await parts.sleep(REPEAT_AFTER_MS[attempts] ?? LAST_REPEAT_AFTER_MS)
    }
    return undefined
  }

  const abandon = (group: readonly Waiting[], sinceMs: number): void => {
    for (const each of group) {
      if (each.abandoned || each.sinceMs > sinceMs) continue
      each.abandoned = true
      each.answer({ status: 'unavailable' })
    }
  }

  const conclude = (group: readonly Waiting[], reply: ExchangeReply, ageMs: number): void => {
    const again: Waiting[] = []
    const { windows, byModel = false } = reply
    for (const [index, each] of group.entries()) {
      const result = reply.results[index]
      const isTooOld = result?.status === 'granted' && ageMs > PERMIT_MAX_AGE_MS
      const isCharged = result?.status === 'granted' && each.acquire.probe !== true
      if (isCharged && (each.abandoned || isTooOld)) giveBack(each.acquire, result.chargedAtMs, byModel)
      if (each.abandoned) continue
      if (result === undefined) abandon([each], Number.POSITIVE_INFINITY)
      else if (isTooOld) again.push(each)
      else each.answer({ status: 'decided', result, windows, byModel })
    }
    if (again.length === 0) return
    abandon(again, parts.nowMs() - ACQUIRE_TIMEOUT_MS)
    waiting = [...again.filter(({ abandoned }) => !abandoned), ...waiting]
  }

  const giveBack = ({ model, requests, tokens }: Acquire, chargedAtMs: number, byModel: boolean): void => {
    const nothing = { requests: 0, tokens: 0 }
    settlements.add({ chargedAtMs, reserved: { requests, tokens }, actual: nothing, ...(byModel ? { model } : {}) })
  }

  return {
    acquire: (acquire) =>
      new Promise((answer) => {
        const nowMs = parts.nowMs()
        // The exchange under way finds out when capacity is back; until then nobody has to wait for it.
        if (failingSinceMs !== undefined && nowMs - failingSinceMs > ACQUIRE_TIMEOUT_MS) {
          return answer({ status: 'unavailable' })
        }
        waiting.push({ acquire, sinceMs: nowMs, answer, abandoned: false })
        start()
      }),
    settle: (settlement) => {
      settlements.add(settlement)
      if (!givesBackOnly(settlement)) return start()
      if (running !== undefined || lingering) return
      lingering = true
      void parts.sleep(REFUND_LINGER_MS).then(() => {
        lingering = false
        if (settlements.size > 0) start()
      })
    },
    flush: async () => {
      if (settlements.size > 0) start()
      await running
    },
    isIdle: () => running === undefined && !lingering,
  }
}

/** Waits between attempts at one exchange: the first repetitions are quick, for a lost reply is likelier than an outage. */
const REPEAT_AFTER_MS = [10, 50, 100, 200] as const
const LAST_REPEAT_AFTER_MS = 500
