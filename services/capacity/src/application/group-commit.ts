import { type ExchangeReply, type ExchangeRequest, SluiceError } from '@sluice/contracts'
import { type AppliedExchange, applyExchange } from '../domain/apply-exchange.ts'
import { figuresOf } from '../domain/figures.ts'
import { advance, type CapacityRecord, withoutModels } from '../domain/record.ts'
import type { Clock } from '../ports/clock.ts'
import type { LimitsSource } from '../ports/limits-source.ts'
import type { RecordStore, StoredVersion } from '../ports/record-store.ts'

/** One connection's counters, as this instance serves them. */
export interface GroupCommit {
  /**
   * Decides the exchange together with all others that wait, and replies when the decision is stored.
   * @throws SluiceError `connection_not_found`, `stale_exchange`, or `unavailable` when the store cannot be reached: the
   *   exchange may then have been applied, and has to be repeated
   */
  exchange(request: ExchangeRequest): Promise<ExchangeReply>
  /** Whether nothing waits and nothing is under way. */
  isIdle(): boolean
}

export interface GroupCommitParts {
  readonly store: RecordStore
  readonly limits: LimitsSource
  readonly clock: Clock
}

interface Waiting {
  readonly request: ExchangeRequest
  readonly resolve: (reply: ExchangeReply) => void
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

  const run = async (): Promise<void> => {
    while (waiting.length > 0) {
      const group = waiting
      waiting = []
      try {
        await commit(group)
      } catch (cause) {
        known = undefined
        const error =
          cause instanceof SluiceError
            ? cause
            : new SluiceError('unavailable', 'the counters cannot be reached', { cause })
        for (const { reject } of group) reject(error)
      }
    }
    running = false
  }

  const commit = async (group: readonly Waiting[]): Promise<void> => {
    // A repeated exchange may have been applied by an instance that this one's record knows nothing of.
    if (group.some(({ request }) => request.repeat)) known = undefined
    let lastFault: unknown
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
      const base = known ?? (await parts.store.load(connectionId))
      known = base
      const decided = await decide(base.record, group)
      if (decided.record === base.record) return answer(group, decided)
      const saved = await save(decided.record, base.revision)
      if (saved.status === 'stored') {
        known = { record: decided.record, revision: saved.revision }
        return answer(group, decided)
      }
      lastFault = saved.fault
      known = undefined
    }
    throw new SluiceError('unavailable', 'the counters could not be written', { cause: lastFault })
  }

  const decide = async (stored: CapacityRecord, group: readonly Waiting[]) => {
    const limits = parts.limits.limitsFor(connectionId) ?? (await parts.limits.lookUp(connectionId))
    if (limits === undefined) throw new SluiceError('connection_not_found', 'there is no such connection')
    const nowMs = parts.clock.nowMs()
    const isByModel = limits.discovered !== undefined
    const now = isByModel ? advance(stored, nowMs) : withoutModels(advance(stored, nowMs))
    let record = now
    const applied: AppliedExchange[] = []
    for (const { request } of group) {
      const each = applyExchange(record, limits, request, now.clockMs - nowMs)
      record = each.record
      applied.push(each)
    }
    // Only sliding on is no change worth a write: the next one slides just as well.
    const windows = figuresOf(record, limits)
    return { record: record === now ? stored : record, applied, windows, isByModel }
  }

  /** A rejection leaves the outcome open. The next look at the record finds it, just as after a conflict. */
  const save = async (record: CapacityRecord, expectedRevision: number) => {
    try {
      return { ...(await parts.store.save(connectionId, record, expectedRevision)), fault: undefined }
    } catch (fault) {
      return { status: 'conflict' as const, fault }
    }
  }

  const answer = (group: readonly Waiting[], decided: Awaited<ReturnType<typeof decide>>): void => {
    for (const [index, { request, resolve, reject }] of group.entries()) {
      const applied = decided.applied[index]
      if (applied?.status === 'decided') {
        const { windows, isByModel } = decided
        resolve({ seq: request.seq, results: [...applied.results], windows, ...(isByModel ? { byModel: true } : {}) })
      } else {
        reject(new SluiceError('stale_exchange', 'the lane has gone on to later exchanges'))
      }
    }
  }

  return {
    exchange: (request) =>
      new Promise((resolve, reject) => {
        waiting.push({ request, resolve, reject })
        if (running) return
        running = true
        // What came in the same read from the network belongs to the same group.
        queueMicrotask(() => void run())
      }),
    isIdle: () => !running,
  }
}

/** Beyond so many lost races something else is wrong; the gateway repeats its exchange anyway. */
const MAX_ATTEMPTS = 20
