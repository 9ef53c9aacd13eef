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
import { chargesOnly, createSettlementQueue, onlyRefunds } from './settlement-queue.ts'

/** The result of one attempt to send a permit batch. */
export type Attempt =
  | { readonly status: 'replied'; readonly reply: PermitBatchReply }
  /** No instance decided the batch, or it is unknown whether one did: it has to be sent again. */
  | { readonly status: 'failed'; readonly mayBeApplied: boolean; readonly reason?: string }
  /** This attempt was too late to be applied; an earlier one may have been applied. */
  | { readonly status: 'stale' }
  /** Capacity will never decide the batch: the connection no longer exists. */
  | { readonly status: 'refused' }

export interface PermitSessionDeps {
  /** Returns an identity that no permit session has had before, in this process or another. */
  readonly newIdentity: () => string
  /** Sends the batch once and waits up to `timeoutMs` for the decision. Never rejects. */
  readonly send: (request: PermitBatchRequest, timeoutMs: number) => Promise<Attempt>
  /** Returns the least that capacity's clock shows now, in Unix milliseconds; 0 if it is unknown. */
  readonly capacityClockMs: () => number
  /** Called when permits came back `lateMs` too late to be used. */
  readonly onLatePermits: (permits: number, lateMs: number) => void
  /** Called when a batch arrived too late to be applied. */
  readonly onStaleBatch: () => void
  /** Monotonic milliseconds. */
  readonly nowMs: () => number
  readonly sleep: (durationMs: number) => Promise<void>
}

type AcquireOutcome =
  | {
      readonly status: 'decided'
      readonly result: PermitResult
      readonly windows: readonly WindowState[]
      /** Whether the settlement must name the model. */
      readonly byModel: boolean
      /** The latest time at which the request may depart, by the session's clock. */
      readonly departByMs: number
    }
  | AcquireUnavailable

interface AcquireUnavailable {
  readonly status: 'unavailable'
  /** Why capacity cannot decide, in words for an operator, if it said so. */
  readonly reason?: string
}

/** One gateway's permits for one connection, as the connection's record in capacity knows them. */
export interface PermitSession {
  acquire(acquire: Acquire): Promise<AcquireOutcome>
  /** Queues a settlement for the next batch, which is sent within {@link REFUND_LINGER_MS}. */
  settle(settlement: Settlement): void
  /** Resolves when capacity has applied all settlements so far. */
  flush(): Promise<void>
  /** Returns whether nothing is queued or in flight. */
  isIdle(): boolean
}

/** An acquire resolves with `unavailable` if it is undecided after this long. */
export const ACQUIRE_TIMEOUT_MS = 2_000

/**
 * Refunds wait this long for an acquire to travel with, which halves the commits of a connection with little traffic. Meanwhile,
 * other gateways see less remaining than there is. Charges and cool-downs do not wait.
 */
export const REFUND_LINGER_MS = 200

interface PendingAcquire {
  readonly acquire: Acquire
  readonly sinceMs: number
  readonly resolve: (outcome: AcquireOutcome) => void
  /** Resolved with `unavailable` already: a permit that is granted later has to be refunded. */
  abandoned: boolean
}

type Delivery =
  | { readonly status: 'replied'; readonly reply: PermitBatchReply }
  | { readonly status: 'stale'; readonly mayBeApplied: boolean }
  | { readonly status: 'refused' }

/**
 * A session has one permit batch in flight; whatever arrives meanwhile goes into the next. A batch without a reply is repeated, unchanged
 * and with its sequence number, until its fate is known, so that no permit is lost or counted twice. Its acquires time out before that.
 *
 * The contents of a batch that was not applied are queued again. If it can no longer be known whether it was applied, because it was
 * repeated for longer than capacity remembers a session, only charges are: charging twice is safe, refunding twice is not.
 */
export function createPermitSession(deps: PermitSessionDeps): PermitSession {
  let identity = deps.newIdentity()
  let seq = 0
  let stored: StoredBatch | undefined
  let waiting: PendingAcquire[] = []
  const settlements = createSettlementQueue()
  let running: Promise<void> | undefined
  let lingering = false
  /** When the batch in flight was first sent, and why its last attempt failed; undefined if none has failed. */
  let failing: { readonly sinceMs: number; readonly reason: string | undefined } | undefined
  /** The longest recent round trip to capacity, decaying with every batch. */
  let roundTripMs = 0

  const start = (): void => {
    // A microtask later, so that acquires of the same turn travel together.
    running ??= Promise.resolve().then(run)
  }

  const run = async (): Promise<void> => {
    while (waiting.length > 0 || settlements.size > 0) {
      const batch = waiting.splice(0, MAX_ACQUIRES_PER_BATCH)
      const sentAtMs = deps.nowMs()
      const slackMs = slackFor(roundTripMs)
      const request: PermitBatchRequest = {
        gateway: identity,
        seq: ++seq,
        asOfMs: deps.capacityClockMs(),
        acquires: batch.map(({ acquire }) => acquire),
        settlements: settlements.take(MAX_SETTLEMENTS_PER_BATCH),
      }
      if (stored !== undefined) request.stored = stored
      if (slackMs !== DELIVERY_SLACK_MS) request.slackMs = slackMs
      const delivery = await deliver(batch, sentAtMs, request)
      failing = undefined
      if (delivery.status === 'replied') {
        const { storedAtMs } = delivery.reply
        if (storedAtMs !== undefined) stored = { seq, atMs: storedAtMs }
        applyReply(batch, delivery.reply, sentAtMs + PERMIT_MAX_AGE_MS + slackMs - DELIVERY_SLACK_MS)
      } else {
        identity = deps.newIdentity()
        seq = 0
        stored = undefined
        if (delivery.status === 'refused') abandon(batch, Number.POSITIVE_INFINITY)
        else await requeue(batch, request.settlements, delivery.mayBeApplied)
      }
    }
    // In the same turn as the check of the queues, so that a later acquire starts a new run.
    running = undefined
  }

  const deliver = async (
    batch: readonly PendingAcquire[],
    sinceMs: number,
    request: PermitBatchRequest,
  ): Promise<Delivery> => {
    let mayBeApplied = false
    for (let attempts = 0; ; attempts++) {
      const sentAtMs = deps.nowMs()
      const backoffMs = Math.min(MAX_TIMEOUT_MS, Math.max(MIN_TIMEOUT_MS, 3 * roundTripMs) * 2 ** attempts)
      const timeoutMs = Math.min(backoffMs, Math.max(MIN_ATTEMPT_MS, untilOverdueMs(batch, sentAtMs)))
      const attempt = await deps.send(attempts === 0 ? request : { ...request, repeat: true }, timeoutMs)
      if (attempt.status === 'replied') {
        roundTripMs = Math.max(deps.nowMs() - sentAtMs, roundTripMs * ROUND_TRIP_DECAY)
        return attempt
      }
      if (attempt.status === 'refused') return attempt
      if (attempt.status === 'stale') return { status: 'stale', mayBeApplied }
      mayBeApplied ||= attempt.mayBeApplied
      failing = { sinceMs, reason: attempt.reason }
      abandonOverdue(batch)
      await deps.sleep(RETRY_AFTER_MS[attempts] ?? LAST_RETRY_AFTER_MS)
    }
  }

  /** Returns how long it takes until the oldest pending acquire times out. */
  const untilOverdueMs = (batch: readonly PendingAcquire[], nowMs: number): number => {
    let oldestMs = Number.POSITIVE_INFINITY
    for (const { abandoned, sinceMs } of batch) if (!abandoned) oldestMs = Math.min(oldestMs, sinceMs)
    oldestMs = Math.min(oldestMs, waiting[0]?.sinceMs ?? oldestMs)
    return oldestMs + ACQUIRE_TIMEOUT_MS - nowMs
  }

  /** Queues the contents of a batch again. */
  const requeue = async (
    batch: readonly PendingAcquire[],
    carried: readonly Settlement[],
    mayBeApplied: boolean,
  ): Promise<void> => {
    deps.onStaleBatch()
    for (const settlement of carried) {
      const again = mayBeApplied ? chargesOnly(settlement) : settlement
      if (again !== undefined) settlements.add(again)
    }
    waiting = [...batch.filter(({ abandoned }) => !abandoned), ...waiting]
    abandonOverdue([])
    // A gateway without a reading of capacity's clock gets one within a heartbeat.
    await deps.sleep(RETRY_STALE_AFTER_MS)
  }

  const abandonOverdue = (batch: readonly PendingAcquire[]): void => {
    const overdueMs = deps.nowMs() - ACQUIRE_TIMEOUT_MS
    abandon(batch, overdueMs)
    abandon(waiting, overdueMs)
    waiting = waiting.filter(({ abandoned }) => !abandoned)
  }

  const abandon = (batch: readonly PendingAcquire[], sinceMs: number): void => {
    for (const each of batch) {
      if (each.abandoned || each.sinceMs > sinceMs) continue
      each.abandoned = true
      each.resolve(unavailable())
    }
  }

  const unavailable = (): AcquireUnavailable => {
    return failing?.reason === undefined ? UNAVAILABLE : { status: 'unavailable', reason: failing.reason }
  }

  const applyReply = (batch: readonly PendingAcquire[], reply: PermitBatchReply, departByMs: number): void => {
    const again: PendingAcquire[] = []
    const { windows, byModel = false } = reply
    const lateMs = deps.nowMs() - departByMs
    for (const [index, each] of batch.entries()) {
      const result = reply.results[index]
      const { acquire } = each
      // No request departs under a renewal, and a probe charges nothing.
      const isCharged = result?.status === 'granted' && acquire.probe !== true && acquire.renews === undefined
      const isLate = isCharged && lateMs > 0
      if (isCharged && (each.abandoned || isLate)) refund(acquire, result, byModel)
      if (each.abandoned) continue
      if (result === undefined) abandon([each], Number.POSITIVE_INFINITY)
      else if (isLate) again.push(each)
      else each.resolve({ status: 'decided', result, windows, byModel, departByMs })
    }
    if (again.length === 0) return
    deps.onLatePermits(again.length, lateMs)
    waiting = [...again, ...waiting]
    abandonOverdue([])
  }

  const refund = (acquire: Acquire, { chargedAtMs, trialAtMs }: Granted, byModel: boolean): void => {
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
      new Promise((resolve) => {
        const nowMs = deps.nowMs()
        // The batch in flight finds out when capacity is back; until then, no acquire has to wait for it.
        if (failing !== undefined && nowMs - failing.sinceMs > ACQUIRE_TIMEOUT_MS) return resolve(unavailable())
        waiting.push({ acquire, sinceMs: nowMs, resolve, abandoned: false })
        start()
      }),
    settle: (settlement) => {
      settlements.add(settlement)
      if (!onlyRefunds(settlement)) return start()
      if (running !== undefined || lingering) return
      lingering = true
      void deps.sleep(REFUND_LINGER_MS).then(() => {
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
 * Returns the delivery slack to request. With a long round trip, permits are old when they arrive, and the slack lets them be used for that
 * much longer. Every additional slot for which a charge counts costs a sixtieth of the capacity, so a distant gateway gets less, not nothing.
 */
function slackFor(roundTripMs: number): number {
  const neededMs = roundTripMs * 1.5 + TO_DEPART_MS + WAY_TO_PROVIDER_MS
  const steps = Math.ceil(neededMs / SLACK_STEP_MS) * SLACK_STEP_MS
  return Math.min(MAX_DELIVERY_SLACK_MS, Math.max(DELIVERY_SLACK_MS, steps))
}

const UNAVAILABLE: AcquireUnavailable = { status: 'unavailable' }
/** Delays between attempts at one batch. The first are short, since a lost reply is likelier than an outage. */
const RETRY_AFTER_MS = [10, 50, 100, 200] as const
const LAST_RETRY_AFTER_MS = 500
const RETRY_STALE_AFTER_MS = 50
const MIN_TIMEOUT_MS = 500
const MAX_TIMEOUT_MS = 2_000
/** The least time for an attempt, however soon its acquires time out. */
const MIN_ATTEMPT_MS = 100
/** Factor for every batch: a single slow round trip is forgotten after some dozens. */
const ROUND_TRIP_DECAY = 0.95
/** Time from a permit's arrival to its request's departure. */
const TO_DEPART_MS = 100
const SLACK_STEP_MS = 50
