import { type PermitBatchReply, type PermitBatchRequest, SluiceError } from '@sluice/contracts'
import { type AppliedBatch, applyPermitBatch, lacksCharges } from '../decide/permit-batch.ts'
import type { HeldLimits } from '../record/limits.ts'
import { type LostSpan, makeUpFor, spanOf } from '../record/lost-charges.ts'
import { advance, type CapacityRecord, type Loss, withoutModels } from '../record/record.ts'
import { figuresOf } from '../record/status.ts'
import type { Clock } from './clock.ts'
import type { RecordStore, StoredVersion } from './record-store.ts'
import type { LimitsSource } from './watched-limits.ts'

/** One connection's counters, as this instance serves them. */
export interface GroupCommit {
  /**
   * Decides the exchange together with all others that wait, and replies when the decision is stored.
   * @throws SluiceError `connection_not_found`, `stale_permit_batch`, or `unavailable` when the store cannot be reached: the
   *   exchange may then have been applied, and has to be repeated
   */
  permitBatch(request: PermitBatchRequest): Promise<PermitBatchReply>
  /** Reads the record again before the next decision: the store may have been rolled back to an earlier state. */
  distrust(): void
  /** Whether nothing waits and nothing is under way. */
  isIdle(): boolean
}

export interface GroupCommitParts {
  readonly store: RecordStore
  readonly limits: LimitsSource
  readonly clock: Clock
  /** How charges that the store lost are made up for; absent: the store is trusted. */
  readonly losses?: LossPolicy
}

export interface LossPolicy {
  /** Returns the span of which every record may lack charges, as the store's machine lost power; undefined where none is suspected. */
  readonly suspected: () => LostSpan | undefined
  /** Called when a record was found to lack charges and made up for it. */
  readonly onLoss: (connectionId: string, loss: Loss) => void
}

interface Waiting {
  readonly request: PermitBatchRequest
  readonly resolve: (reply: PermitBatchReply) => void
  readonly reject: (error: SluiceError) => void
}

/**
 * Serves a connection by group commit: all waiting exchanges are decided on the record, which is written once, if it is still the
 * one that was read; only then are they answered. Another instance's write in between shows as a conflict, and they are decided
 * again on what it wrote. A write whose outcome is unknown needs no other treatment: the record itself tells, by each
 * lane's sequence number, which exchanges it holds.
 */
export function groupCommit(connectionId: string, parts: GroupCommitParts): GroupCommit {
  let waiting: Waiting[] = []
  let running = false
  /** The record as last read or written here; another instance may have written since. */
  let known: StoredVersion | undefined
  /** The newest state of the record that this instance has ever seen: a store that holds an older one was rolled back. */
  let newest: StoredVersion | undefined
  /** Counts the reasons to distrust `known`, so that a write from before one of them restores no trust. */
  let doubts = 0

  const run = async (): Promise<void> => {
    while (waiting.length > 0) {
      const group = waiting
      waiting = []
      try {
        await commit(group)
      } catch (cause) {
        known = undefined
        const error = asUnavailable(cause)
        for (const { reject } of group) reject(error)
      }
    }
    running = false
  }

  const commit = async (group: readonly Waiting[]): Promise<void> => {
    // A repeated exchange may have been applied by an instance that this one's record knows nothing of.
    if (group.some(({ request }) => request.repeat)) known = undefined
    const startedAtMs = parts.clock.nowMs()
    let lastFault: unknown
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
      const doubtsBefore = doubts
      const base = known ?? (await parts.store.load(connectionId))
      known = base
      const seenBefore = newest
      if (!isOlder(base, newest)) newest = base
      const decided = await decide(base, seenBefore, group)
      if (decided.record === base.record) return answer(group, decided)
      // Decided on a state that is doubted by now: a store that was rolled back may have given its revision to another.
      if (doubts !== doubtsBefore) continue
      const saved = await save(decided.record, base.revision)
      known = undefined
      if (saved.status === 'stored') {
        newest = { record: decided.record, revision: saved.revision }
        if (doubts === doubtsBefore) known = newest
        if (decided.loss !== undefined) parts.losses?.onLoss(connectionId, decided.loss)
        return answer(group, decided)
      }
      if (saved.status === 'fault') {
        lastFault = saved.fault
        // The gateways have begun to repeat, and are owed the reason.
        if (parts.clock.nowMs() - startedAtMs >= MAX_COMMIT_MS) throw lastFault
      }
    }
    // Where no other instance wrote, the store says one thing and does another.
    parts.store.doubt()
    throw lastFault ?? new SluiceError('unavailable', 'other instances kept writing the counters first')
  }

  const decide = async (base: StoredVersion, seenBefore: StoredVersion | undefined, group: readonly Waiting[]) => {
    const limits = parts.limits.limitsFor(connectionId) ?? (await parts.limits.lookUp(connectionId))
    if (limits === undefined) throw new SluiceError('connection_not_found', 'there is no such connection')
    // An exchange was made when the clock had come so far: a machine that stood still (a paused virtual machine) may be behind it.
    const nowMs = group.reduce((latest, { request }) => Math.max(latest, request.asOfMs), parts.clock.nowMs())
    const isByModel = limits.discovered !== undefined
    const advanced = advance(base.record, nowMs)
    const now = isByModel ? advanced : withoutModels(advanced)
    let record = madeUp(now, base, seenBefore, limits, group)
    const loss = record === now ? undefined : record.loss
    const applied: AppliedBatch[] = []
    for (const { request } of group) {
      const each = applyPermitBatch(record, limits, request, now.clockMs - nowMs)
      record = each.record
      applied.push(each)
    }
    const windows = figuresOf(record, limits)
    // Only sliding on is no change worth a write: the next one slides just as well.
    const isUnchanged = record === now
    return { record: isUnchanged ? base.record : record, clockMs: now.clockMs, applied, windows, isByModel, loss }
  }

  /** The record with charges that the store lost made up for; the same object where it lost none. */
  const madeUp = (
    now: CapacityRecord,
    base: StoredVersion,
    seenBefore: StoredVersion | undefined,
    limits: HeldLimits,
    group: readonly Waiting[],
  ): CapacityRecord => {
    if (parts.losses === undefined) return now
    const suspected = parts.losses.suspected()
    const storedClockMs = base.revision === 0 ? undefined : base.record.clockMs
    const span = suspected === undefined ? undefined : spanOf(suspected, connectionId, storedClockMs)
    let record = span === undefined ? now : makeUpFor(now, limits, span)
    if (isRolledBack(base, seenBefore) || group.some(({ request }) => lacksCharges(record, request))) {
      record = makeUpFor(record, limits, { fromMs: base.record.clockMs, untilMs: now.clockMs })
    }
    return record
  }

  const save = async (record: CapacityRecord, expectedRevision: number) => {
    try {
      return await parts.store.save(connectionId, record, expectedRevision)
    } catch (fault) {
      // The outcome is open. The next look at the record finds it, just as after a conflict.
      return { status: 'fault' as const, fault }
    }
  }

  const answer = (group: readonly Waiting[], decided: Awaited<ReturnType<typeof decide>>): void => {
    const { windows, isByModel, clockMs } = decided
    for (const [index, { request, resolve, reject }] of group.entries()) {
      const applied = decided.applied[index]
      if (applied?.status === 'decided') {
        const { results, storedAtMs } = applied
        resolve({
          seq: request.seq,
          results: [...results],
          windows,
          ...(isByModel ? { byModel: true } : {}),
          clockMs,
          ...(storedAtMs === undefined ? {} : { storedAtMs }),
        })
      } else {
        reject(new SluiceError('stale_permit_batch', 'the lane has gone on, or the exchange is too old to be applied'))
      }
    }
  }

  return {
    permitBatch: (request) =>
      new Promise((resolve, reject) => {
        waiting.push({ request, resolve, reject })
        if (running) return
        running = true
        // What came in the same read from the network belongs to the same group.
        queueMicrotask(() => void run())
      }),
    distrust: () => {
      doubts++
      known = undefined
    },
    isIdle: () => !running,
  }
}

/** Whether the store holds an older state than was seen before, of which the loss was not made up for by another instance. */
function isRolledBack(base: StoredVersion, seenBefore: StoredVersion | undefined): boolean {
  if (seenBefore === undefined || !isOlder(base, seenBefore)) return false
  const { loss } = base.record
  return loss === undefined || loss.untilMs < seenBefore.record.clockMs
}

/** A record's clock and revision never go back, unless the store does. */
function isOlder(base: StoredVersion, newest: StoredVersion | undefined): boolean {
  if (newest === undefined) return false
  return base.revision < newest.revision || base.record.clockMs < newest.record.clockMs
}

function asUnavailable(cause: unknown): SluiceError {
  if (cause instanceof SluiceError) return cause
  return new SluiceError('unavailable', 'the counters cannot be reached', { cause })
}

/** A store that does not confirm within so long is away. */
const MAX_COMMIT_MS = 900
/** Beyond so many lost races something else is wrong; the gateway repeats its exchange anyway. */
const MAX_ATTEMPTS = 20
