import type { DiscoveredLimit } from '@sluice/contracts'
import type { LimitReading } from './limit-reading.ts'
import { afterLimitChange, afterVote, inferPeriodMs, MAX_CONFIDENCE, NO_BELIEF, type PeriodBelief } from './period.ts'

/** A discovered limit with its connection and the confidence in its period. */
export interface ConnectionLimit extends DiscoveredLimit {
  readonly connectionId: string
  /** The `confidence` of a {@link PeriodBelief}. */
  readonly periodConfidence: number
}

/** A limit became another, or was seen for the first time (then `oldLimit` is absent). */
export interface LimitChange {
  readonly connectionId: string
  readonly model: string
  readonly dimension: string
  readonly oldLimit?: number
  readonly newLimit: number
  readonly changedAtMs: number
}

export interface Learned {
  /** The limits that changed in any field, in the order of {@link limitKey}. */
  readonly limits: readonly ConnectionLimit[]
  /** In the order in which they were seen. */
  readonly changes: readonly LimitChange[]
}

/**
 * Returns what `readings` change about the `known` limits. A reading that is not newer than the known state of its
 * limit is ignored: so none is learned twice, and the newest wins, however often and in whatever order they are
 * delivered.
 */
export function learn(known: readonly ConnectionLimit[], readings: readonly LimitReading[]): Learned {
  const current = new Map(known.map((limit) => [limitKey(limit), limit]))
  const learned = new Map<string, ConnectionLimit>()
  const changes: LimitChange[] = []
  for (const reading of readings.toSorted((a, b) => a.seenAtMs - b.seenAtMs)) {
    const key = limitKey(reading)
    const before = current.get(key)
    const after = update(before, reading)
    if (after === undefined) continue
    current.set(key, after)
    learned.set(key, after)
    if (after.limit !== before?.limit) changes.push(changeFrom(before, after))
  }
  const limits = [...learned].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, limit]) => limit)
  return { limits, changes }
}

/** Identifies a limit. */
export function limitKey({ connectionId, model, dimension }: Omit<LimitReading, 'seenAtMs'>): string {
  return `${connectionId}\0${model}\0${dimension}`
}

function update(before: ConnectionLimit | undefined, reading: LimitReading): ConnectionLimit | undefined {
  const { connectionId, model, dimension, seenAtMs, remaining, resetMs, source } = reading
  if (before !== undefined && seenAtMs <= before.lastSeenAtMs) return undefined
  const limit = reading.limit ?? before?.limit
  if (limit === undefined) return undefined
  const { periodMs, confidence } = believedPeriod(before, reading, limit)
  return {
    connectionId,
    model,
    dimension,
    limit,
    ...(periodMs === undefined ? {} : { periodMs }),
    periodConfidence: confidence,
    ...(remaining === undefined ? {} : { remaining }),
    ...(resetMs === undefined ? {} : { resetAtMs: seenAtMs + resetMs }),
    firstSeenAtMs: before?.firstSeenAtMs ?? seenAtMs,
    lastSeenAtMs: seenAtMs,
    changes: before === undefined ? 0 : before.changes + (before.limit === limit ? 0 : 1),
    ...(source === undefined ? {} : { source }),
  }
}

/** Returns the period that the provider documents, or else the one that its responses have shown over time. */
function believedPeriod(before: ConnectionLimit | undefined, reading: LimitReading, limit: number): PeriodBelief {
  const { periodMs, remaining, resetMs } = reading
  if (periodMs !== undefined) return { periodMs, confidence: MAX_CONFIDENCE }
  const known = before === undefined ? NO_BELIEF : beliefOf(before)
  const belief = before === undefined || before.limit === limit ? known : afterLimitChange(known)
  if (remaining === undefined || resetMs === undefined) return belief
  return afterVote(belief, inferPeriodMs(limit, remaining, resetMs))
}

function beliefOf({ periodMs, periodConfidence: confidence }: ConnectionLimit): PeriodBelief {
  return periodMs === undefined ? { confidence } : { periodMs, confidence }
}

function changeFrom(before: ConnectionLimit | undefined, after: ConnectionLimit): LimitChange {
  return {
    connectionId: after.connectionId,
    model: after.model,
    dimension: after.dimension,
    ...(before === undefined ? {} : { oldLimit: before.limit }),
    newLimit: after.limit,
    changedAtMs: after.lastSeenAtMs,
  }
}
