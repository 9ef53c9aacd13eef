import {
  type Cost,
  DELIVERY_SLACK_MS,
  type Metric,
  NO_COST,
  type PermitBatchRequest,
  type Settlement,
  WAY_TO_PROVIDER_MS,
} from '@sluice/contracts'
import { type CountersClock, createCountersClock } from '../src/commit/clock.ts'
import { startOfClock } from '../src/commit/clock-start.ts'
import { applyPermitBatch, type PermitBatchOutcome } from '../src/decide/apply-permit-batch.ts'
import type { Limits } from '../src/record/limits.ts'
import { advance, emptyRecord } from '../src/record/record.ts'

/** A request that reached the provider, in real time. */
export interface Departure {
  readonly atMs: number
  /** Returns what it used, as known at that instant: its reservation, or less once it settled for less. */
  amountAt(metric: Metric, atMs: number): number
}

export interface Demand {
  readonly gateway: number
  readonly instance: number
  readonly permits: number
  readonly inputTokens: number
  readonly outputTokens: number
  /** Its batch splits tokens into input and output. */
  readonly isSplit: boolean
  /** Waits until exactly this many permits are free, if that is within `patienceMs`. */
  readonly patienceMs: number
  readonly slackMs: number
  /** What becomes of the batch. A delayed copy is delivered when an instance resumes, and its reply is lost. */
  readonly fate: string
  /** The delay after the grant. A request whose permit is too old by then does not depart. */
  readonly lateMs: number
  readonly isUpload: boolean
}

/** A gateway's permit session, reduced to what the promise depends on. */
interface PermitSessionState {
  readonly gateway: number
  lives: number
  seq: number
  stored: PermitBatchRequest['stored'] | undefined
  settlements: Settlement[]
}

type Decided = Extract<PermitBatchOutcome, { status: 'decided' }>

interface Permit {
  readonly session: PermitSessionState
  readonly cost: Required<Cost>
  readonly isSplit: boolean
  chargedAtMs: number
  readonly startedAtMs: number
  settledAtMs: number
  actual: Required<Cost>
}

/**
 * Creates one connection's record with the code that production runs on it, two capacity instances and two gateways,
 * in simulated time. Every request that departed to the provider is listed in `heads` (when it began) and in `wholes`
 * (when its last byte left).
 */
export function createWorld(configured: Limits) {
  const limits = { configured }
  let realMs = Date.UTC(2026, 0, 1)
  let serverStepMs = 0
  let record = emptyRecord()
  const bootMs = realMs - 5_000
  const monotonicMs = () => realMs - bootMs
  /** For how long each instance's machine has been paused. */
  const stillMs = [0, 0]
  const monotonicOf = (instance: number) => () => monotonicMs() - (stillMs[instance] ?? 0)
  const clocks: CountersClock[] = [
    createCountersClock(monotonicOf(0), realMs),
    createCountersClock(monotonicOf(1), realMs),
  ]
  const sessions: PermitSessionState[] = [0, 1].map((gateway) => ({
    gateway,
    lives: 0,
    seq: 0,
    stored: undefined,
    settlements: [],
  }))
  const delayed: PermitBatchRequest[] = []
  let uploads: Permit[] = []
  let open: Permit[] = []
  const heads: Departure[] = []
  const wholes: Departure[] = []

  const clockOf = (instance: number): CountersClock => {
    const clock = clocks[instance]
    if (clock === undefined) throw new Error('there are two instances')
    return clock
  }
  const sessionOf = (gateway: number): PermitSessionState => {
    const session = sessions[gateway]
    if (session === undefined) throw new Error('there are two gateways')
    return session
  }

  /** Every instance compares the server's clock and hears the others, as it does once a second. */
  const beat = (): void => {
    for (const [instance, clock] of clocks.entries()) {
      const sentAtMs = monotonicOf(instance)()
      clock.measured({ sentAtMs, ackedAtMs: sentAtMs + 1, storedAtMs: realMs + serverStepMs })
      for (const other of clocks) clock.heard(other.nowMs())
    }
  }
  const pass = (forMs: number): void => {
    const endMs = realMs + forMs
    for (let seconds = Math.min(3, Math.floor(forMs / 1_000)); seconds > 0; seconds--) {
      realMs += 1_000
      beat()
    }
    realMs = endMs
    if (forMs >= 1_000) beat()
  }
  /** Lets time pass. Running uploads are renewed every quarter of a minute, and aborted when they take too long. */
  const wait = (forMs: number): void => {
    let leftMs = forMs
    for (; leftMs > RENEWAL_INTERVAL_MS && uploads.length > 0; leftMs -= RENEWAL_INTERVAL_MS) {
      pass(RENEWAL_INTERVAL_MS)
      renewAll(0)
      uploads = uploads.filter(({ startedAtMs }) => realMs - startedAtMs < LONGEST_UPLOAD_MS)
    }
    pass(leftMs)
  }

  const deliver = (permitBatch: PermitBatchRequest, instance: number): PermitBatchOutcome => {
    const nowMs = Math.max(clockOf(instance).nowMs(), permitBatch.asOfMs)
    const now = advance(record, nowMs)
    const applied = applyPermitBatch(now, limits, permitBatch, now.clockMs - nowMs)
    if (applied.record !== now) record = applied.record
    return applied
  }

  const timeUntilFree = (cost: Cost): number | undefined => {
    const nowMs = Math.max(...clocks.map((clock) => clock.nowMs()))
    const now = advance(record, nowMs)
    const probe = { model: 'm', ...cost, probe: true }
    const permitBatch = { gateway: 'prober', seq: 1, asOfMs: nowMs, acquires: [probe], settlements: [] }
    const applied = applyPermitBatch(now, limits, permitBatch, now.clockMs - nowMs)
    const [result] = applied.status === 'decided' ? applied.results : []
    return result?.status === 'denied' && result.code === 'capacity_exceeded' ? result.retryAfterMs : undefined
  }

  /** Has a batch decided as a gateway does: repeated until its outcome is known. */
  const decidedBy = (
    session: PermitSessionState,
    acquires: PermitBatchRequest['acquires'],
    { instance, slackMs, fate }: Pick<Demand, 'instance' | 'slackMs' | 'fate'>,
  ): Decided => {
    const permitBatch: PermitBatchRequest = {
      gateway: `g${session.gateway}.${session.lives}`,
      seq: ++session.seq,
      asOfMs: Math.max(...clocks.map((clock) => clock.nowMs())),
      ...(session.stored === undefined ? {} : { stored: session.stored }),
      slackMs,
      acquires,
      settlements: session.settlements.splice(0),
    }
    const isRepeated = fate !== 'replied'
    if (fate === 'reply lost') deliver(permitBatch, instance)
    if (fate === 'also delayed') delayed.push(permitBatch)
    const applied = deliver(
      isRepeated ? { ...permitBatch, repeat: true } : permitBatch,
      isRepeated ? 1 - instance : instance,
    )
    if (applied.status !== 'decided') throw new Error('a batch that was made just now is not stale')
    if (applied.storedAtMs !== undefined) session.stored = { seq: permitBatch.seq, atMs: applied.storedAtMs }
    return applied
  }

  const renewAll = (instance: number): void => {
    for (const session of sessions) {
      const mine = uploads.filter((permit) => permit.session === session)
      if (mine.length === 0) continue
      const acquires = mine.map(({ cost, isSplit, chargedAtMs }) => ({
        model: 'm',
        ...stated(cost, isSplit),
        renews: chargedAtMs,
      }))
      const applied = decidedBy(session, acquires, { instance, slackMs: DELIVERY_SLACK_MS, fate: 'replied' })
      for (const [index, permit] of mine.entries()) {
        const result = applied.results[index]
        if (result?.status !== 'granted') throw new Error('a renewal is granted')
        permit.chargedAtMs = result.chargedAtMs
      }
    }
  }

  const departure = (permit: Permit): Departure => ({
    atMs: realMs,
    amountAt: (metric, atMs) =>
      atMs < permit.settledAtMs ? permit.cost[metric] : Math.min(permit.cost[metric], permit.actual[metric]),
  })

  const refund = ({ session, chargedAtMs, cost, isSplit }: Permit): void => {
    session.settlements.push({ chargedAtMs, reserved: stated(cost, isSplit), actual: NO_COST })
  }

  return {
    heads: heads as readonly Departure[],
    wholes: wholes as readonly Departure[],
    wait,
    demand: (demand: Demand): void => {
      const session = sessionOf(demand.gateway)
      const { permits, isSplit } = demand
      const cost = costWith(demand)
      const parts = { inputTokens: permits * cost.inputTokens, outputTokens: permits * cost.outputTokens }
      const freeInMs = timeUntilFree(stated({ ...costWith(parts), requests: permits }, isSplit))
      if (freeInMs !== undefined && freeInMs <= demand.patienceMs) wait(freeInMs)
      const acquires = Array.from({ length: permits }, () => ({ model: 'm', ...stated(cost, isSplit) }))
      const sentAtMs = realMs
      const applied = decidedBy(session, acquires, demand)
      pass(demand.lateMs)
      for (const result of applied.results) {
        if (result.status !== 'granted') continue
        const { chargedAtMs } = result
        const unsettled = { settledAtMs: Number.POSITIVE_INFINITY, actual: cost }
        const permit: Permit = { session, cost, isSplit, chargedAtMs, startedAtMs: realMs, ...unsettled }
        if (realMs - sentAtMs > demand.slackMs - WAY_TO_PROVIDER_MS) {
          refund(permit)
          continue
        }
        heads.push(departure(permit))
        if (demand.isUpload) uploads.push(permit)
        else {
          wholes.push(departure(permit))
          open.push(permit)
        }
      }
    },
    /** Sends the last bytes of all uploads, `lateMs` after a renewal for that; uploads that are too late continue. */
    endUploads: ({ instance, lateMs }: { instance: number; lateMs: number }): void => {
      renewAll(instance)
      pass(lateMs)
      if (lateMs > DELIVERY_SLACK_MS - WAY_TO_PROVIDER_MS) return
      for (const permit of uploads) wholes.push(departure(permit))
      open.push(...uploads)
      uploads = []
    },
    /** Settles every departed request with this usage. */
    settle: (parts: Parts): void => {
      for (const permit of open) {
        permit.settledAtMs = realMs
        permit.actual = costWith(parts)
        const { session, chargedAtMs, cost, actual, isSplit } = permit
        session.settlements.push({ chargedAtMs, reserved: stated(cost, isSplit), actual: stated(actual, isSplit) })
      }
      open = []
    },
    /** Resumes a stopped instance, which handles the batches in its socket. */
    resume: (instance: number): void => {
      for (const permitBatch of delayed.splice(0)) deliver(permitBatch, instance)
    },
    /** Sets the NATS server's clock. */
    leap: (byMs: number): void => {
      serverStepMs += byMs
      beat()
    },
    /** Suspends an instance's machine (a paused virtual machine), which continues before it has heard the others. */
    suspend: (instance: number, forMs: number): void => {
      for (let leftMs = forMs; leftMs > 0; leftMs -= RENEWAL_INTERVAL_MS) {
        const stepMs = Math.min(leftMs, RENEWAL_INTERVAL_MS)
        stillMs[instance] = (stillMs[instance] ?? 0) + stepMs
        realMs += stepMs
        renewAll(1 - instance)
        uploads = uploads.filter(({ startedAtMs }) => realMs - startedAtMs < LONGEST_UPLOAD_MS)
      }
    },
    /** Restarts an instance while the NATS server's clock is set. */
    restart: (instance: number, leapMs: number): void => {
      const ownMs = monotonicOf(instance)
      const mark = { clockMs: clockOf(instance).nowMs(), monotonicMs: ownMs(), stopped: false }
      const storedAtMs = realMs + serverStepMs
      serverStepMs += leapMs
      pass(1_500)
      const startMs = startOfClock({
        bootId: 'boot',
        monotonicMs: ownMs(),
        serverMs: realMs + serverStepMs,
        marks: new Map([['boot', { mark, storedAtMs }]]),
        marksBucket: { createdAtMs: bootMs, wasCleared: false },
        buckets: { recordsMadeAtMs: bootMs, marksMadeAtMs: bootMs },
        losesWholeRecords: false,
        liveClocksMs: [],
        syncIntervalMs: 0,
      })
      clocks[instance] = createCountersClock(ownMs, startMs)
    },
  }
}

type Parts = Pick<Required<Cost>, 'inputTokens' | 'outputTokens'>

function costWith({ inputTokens, outputTokens }: Parts): Required<Cost> {
  return { requests: 1, tokens: inputTokens + outputTokens, inputTokens, outputTokens }
}

function stated({ requests, tokens, ...parts }: Required<Cost>, isSplit: boolean): Cost {
  return isSplit ? { requests, tokens, ...parts } : { requests, tokens }
}

const RENEWAL_INTERVAL_MS = 15_000
const LONGEST_UPLOAD_MS = 300_000
