import {
  type Acquire,
  costOf,
  DELIVERY_SLACK_MS,
  type Granted,
  MAX_ACQUIRES_PER_BATCH,
  MAX_DELIVERY_SLACK_MS,
  MAX_SETTLEMENTS_PER_BATCH,
  NO_COST,
  PERMIT_MAX_AGE_MS,
  type PermitBatchReply,
  type PermitBatchRequest,
  type PermitResult,
  type Settlement,
  type StoredBatch,
  WAY_TO_PROVIDER_MS,
  type WindowState,
} from '@sluice/contracts'
import { chargesOf, createSettlementQueue, givesBackOnly } from './settlement-queue.ts'

/** What one attempt to send an exchange came to. */
export type Attempt =
  | { readonly status: 'replied'; readonly reply: PermitBatchReply }
  /** No instance decided it, or it is unknown whether one did: it has to be sent again. */
  | { readonly status: 'failed'; readonly mayBeApplied: boolean; readonly reason?: string }
  /** This attempt was too late to be applied; an earlier one may have been. */
  | { readonly status: 'stale' }
  /** Capacity will never decide it: the connection is gone. */
  | { readonly status: 'refused' }

export interface PermitSessionDeps {
  /** An identity that no lane has had before, in this process or another. */
  readonly newIdentity: () => string
  /** One attempt to have the exchange decided, within `timeoutMs`. Never rejects. */
  readonly send: (request: PermitBatchRequest, timeoutMs: number) => Promise<Attempt>
  /** The newest reading of the counters' clock that this process has, Unix milliseconds; 0 where it has none. */
  readonly countersClockMs: () => number
  /** Called when permits came back too old to be used, by how much. */
  readonly onTooOld: (permits: number, lateMs: number) => void
  /** Called when an exchange came too late to be applied. */
  readonly onStale: () => void
  /** Monotonic milliseconds. */
  readonly nowMs: () => number
  readonly sleep: (durationMs: number) => Promise<void>
}

export type PermitOutcome =
  | {
      readonly status: 'decided'
      readonly result: PermitResult
      readonly windows: readonly WindowState[]
      /** Whether its settlement is to name the model. */
      readonly byModel: boolean
      /** A permit's request must have left by then, by the lane's clock. */
      readonly departByMs: number
    }
  | PermitSessionUnavailable

export interface PermitSessionUnavailable {
  readonly status: 'unavailable'
  /** What keeps capacity from deciding, in words fit for an operator, where it said so. */
  readonly reason?: string
}

/** One gateway's conversation with capacity about one connection. */
export interface PermitSession {
  acquire(acquire: Acquire): Promise<PermitOutcome>
  /** Travels with the next exchange, at the latest `REFUND_LINGER_MS` from now. */
  settle(settlement: Settlement): void
  /** Resolves when all settlements so far are taken. */
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
  readonly answer: (outcome: PermitOutcome) => void
  /** Was answered `unavailable`: a permit that is granted yet has to be given back. */
  abandoned: boolean
}

type Delivery =
  | { readonly status: 'replied'; readonly reply: PermitBatchReply }
  | { readonly status: 'stale'; readonly mayBeApplied: boolean }
  | { readonly status: 'refused' }

/**
 * A lane has one exchange under way; what is asked for meanwhile leaves in the next. An exchange whose reply does not come is
 * repeated, unchanged and with its sequence number, until it is known what became of it, so that no permit is lost or counted
 * twice. An acquire is answered `unavailable` before that.
 *
 * What an exchange carried goes back into the queue when it was not applied. Where that cannot be known any more (it was repeated for
 * longer than lanes are remembered) only charges do: charging twice is safe, giving back twice is not.
 */
export function createPermitSession(parts: PermitSessionDeps): PermitSession {
  let identity = parts.newIdentity()
  let seq = 0
  let stored: StoredBatch | undefined
  let waiting: Waiting[] = []
  const settlements = createSettlementQueue()
  let running: Promise<void> | undefined
  let lingering = false
  /** When the exchange under way was first sent, if an attempt at it has failed, and why the last one did. */
  let failing: { readonly sinceMs: number; readonly reason: string | undefined } | undefined
  /** How long an exchange took of late, decaying from the longest: the distance of the counters. */
  let wayMs = 0

  const start = (): void => {
    // A microtask later, so that what is asked for in the same turn leaves together.
    running ??= Promise.resolve().then(run)
  }

  const run = async (): Promise<void> => {
    while (waiting.length > 0 || settlements.size > 0) {
      const group = waiting.splice(0, MAX_ACQUIRES_PER_BATCH)
      const sentAtMs = parts.nowMs()
      const slackMs = slackFor(wayMs)
      const request: PermitBatchRequest = {
        gateway: identity,
        seq: ++seq,
        asOfMs: parts.countersClockMs(),
        acquires: group.map(({ acquire }) => acquire),
        settlements: settlements.take(MAX_SETTLEMENTS_PER_BATCH),
      }
      if (stored !== undefined) request.stored = stored
      if (slackMs !== DELIVERY_SLACK_MS) request.slackMs = slackMs
      const delivery = await deliver(group, sentAtMs, request)
      failing = undefined
      if (delivery.status === 'replied') {
        const { storedAtMs } = delivery.reply
        if (storedAtMs !== undefined) stored = { seq, atMs: storedAtMs }
        conclude(group, delivery.reply, sentAtMs + PERMIT_MAX_AGE_MS + slackMs - DELIVERY_SLACK_MS)
      } else {
        identity = parts.newIdentity()
        seq = 0
        stored = undefined
        if (delivery.status === 'refused') abandon(group, Number.POSITIVE_INFINITY)
        else await takeBack(group, request.settlements, delivery.mayBeApplied)
      }
    }
    // In the turn that found nothing left: what is asked for after it starts anew.
    running = undefined
  }

  const deliver = async (
    group: readonly Waiting[],
    sinceMs: number,
    request: PermitBatchRequest,
  ): Promise<Delivery> => {
    let mayBeApplied = false
    for (let attempts = 0; ; attempts++) {
      const sentAtMs = parts.nowMs()
      const patienceMs = Math.min(MAX_TIMEOUT_MS, Math.max(MIN_TIMEOUT_MS, 3 * wayMs) * 2 ** attempts)
      const timeoutMs = Math.min(patienceMs, Math.max(MIN_ATTEMPT_MS, untilOverdueMs(group, sentAtMs)))
      const attempt = await parts.send(attempts === 0 ? request : { ...request, repeat: true }, timeoutMs)
      if (attempt.status === 'replied') {
        wayMs = Math.max(parts.nowMs() - sentAtMs, wayMs * WAY_DECAY)
        return attempt
      }
      if (attempt.status === 'refused') return attempt
      if (attempt.status === 'stale') return { status: 'stale', mayBeApplied }
      mayBeApplied ||= attempt.mayBeApplied
      failing = { sinceMs, reason: attempt.reason }
      abandonOverdue(group)
      await parts.sleep(REPEAT_AFTER_MS[attempts] ?? LAST_REPEAT_AFTER_MS)
    }
  }

  /** How long until the first acquire that is not answered yet has to be. */
  const untilOverdueMs = (group: readonly Waiting[], nowMs: number): number => {
    let oldestMs = Number.POSITIVE_INFINITY
    for (const { abandoned, sinceMs } of group) if (!abandoned) oldestMs = Math.min(oldestMs, sinceMs)
    oldestMs = Math.min(oldestMs, waiting[0]?.sinceMs ?? oldestMs)
    return oldestMs + ACQUIRE_TIMEOUT_MS - nowMs
  }

  /** Has what an exchange carried leave with another one. */
  const takeBack = async (
    group: readonly Waiting[],
    carried: readonly Settlement[],
    mayBeApplied: boolean,
  ): Promise<void> => {
    parts.onStale()
    for (const settlement of carried) {
      const again = mayBeApplied ? chargesOf(settlement) : settlement
      if (again !== undefined) settlements.add(again)
    }
    waiting = [...group.filter(({ abandoned }) => !abandoned), ...waiting]
    abandonOverdue([])
    // A gateway that has no reading of the counters' clock yet gets one within a heartbeat.
    await parts.sleep(STALE_AGAIN_MS)
  }

  const abandonOverdue = (group: readonly Waiting[]): void => {
    const overdueMs = parts.nowMs() - ACQUIRE_TIMEOUT_MS
    abandon(group, overdueMs)
    abandon(waiting, overdueMs)
    waiting = waiting.filter(({ abandoned }) => !abandoned)
  }

  const abandon = (group: readonly Waiting[], sinceMs: number): void => {
    for (const each of group) {
      if (each.abandoned || each.sinceMs > sinceMs) continue
      each.abandoned = true
      each.answer(unavailable())
    }
  }

  const unavailable = (): PermitSessionUnavailable => {
    return failing?.reason === undefined ? UNAVAILABLE : { status: 'unavailable', reason: failing.reason }
  }

  const conclude = (group: readonly Waiting[], reply: PermitBatchReply, departByMs: number): void => {
    const again: Waiting[] = []
    const { windows, byModel = false } = reply
    const lateMs = parts.nowMs() - departByMs
    for (const [index, each] of group.entries()) {
      const result = reply.results[index]
      const { acquire } = each
      // A renewal has moved a charge, which no request departs under; a probe has charged nothing.
      const isCharged = result?.status === 'granted' && acquire.probe !== true && acquire.renews === undefined
      const isTooOld = isCharged && lateMs > 0
      if (isCharged && (each.abandoned || isTooOld)) giveBack(acquire, result, byModel)
      if (each.abandoned) continue
      if (result === undefined) abandon([each], Number.POSITIVE_INFINITY)
      else if (isTooOld) again.push(each)
      else each.answer({ status: 'decided', result, windows, byModel, departByMs })
    }
    if (again.length === 0) return
    parts.onTooOld(again.length, lateMs)
    waiting = [...again, ...waiting]
    abandonOverdue([])
  }

  const giveBack = (acquire: Acquire, { chargedAtMs, trialAtMs }: Granted, byModel: boolean): void => {
    const { model, pool, tokens, limited } = acquire
    settlements.add({
      chargedAtMs,
      reserved: costOf(acquire),
      actual: NO_COST,
      ...(limited === undefined ? {} : { limited: { reserved: limited, actual: NO_COST } }),
      ...(byModel ? { model } : {}),
      ...(trialAtMs === undefined
        ? {}
        : { trial: { model, ...(pool && { pool }), tokens, grantedAtMs: trialAtMs, outcome: 'unsent' } }),
    })
  }

  return {
    acquire: (acquire) =>
      new Promise((answer) => {
        const nowMs = parts.nowMs()
        // The exchange under way finds out when capacity is back; until then no acquire has to wait for it.
        if (failing !== undefined && nowMs - failing.sinceMs > ACQUIRE_TIMEOUT_MS) return answer(unavailable())
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

/**
 * The slack to ask for: where an exchange takes long, permits are old when they come, and may be used for as much longer. Each slot
 * that a charge counts longer costs a sixtieth of the capacity, so that a far gateway gets less and not nothing.
 */
function slackFor(wayMs: number): number {
  const neededMs = wayMs * 1.5 + TO_DEPART_MS + WAY_TO_PROVIDER_MS
  const steps = Math.ceil(neededMs / SLACK_STEP_MS) * SLACK_STEP_MS
  return Math.min(MAX_DELIVERY_SLACK_MS, Math.max(DELIVERY_SLACK_MS, steps))
}

const UNAVAILABLE: PermitSessionUnavailable = { status: 'unavailable' }
/** Waits between attempts at one exchange: the first repetitions are quick, for a lost reply is likelier than an outage. */
const REPEAT_AFTER_MS = [10, 50, 100, 200] as const
const LAST_REPEAT_AFTER_MS = 500
const STALE_AGAIN_MS = 50
const MIN_TIMEOUT_MS = 500
const MAX_TIMEOUT_MS = 2_000
/** What an attempt gets at least, however little time its acquires have left. */
const MIN_ATTEMPT_MS = 100
/** Of each exchange after a long one: a single slow moment is forgotten after some dozens. */
const WAY_DECAY = 0.95
/** From a permit's arrival to its request's departure. */
const TO_DEPART_MS = 100
const SLACK_STEP_MS = 50
