import {
  type Cost,
  type Metric,
  PERIOD_MS,
  PERMIT_SESSION_EXPIRY_MS,
  type Period,
  type PermitResult,
} from '@sluice/contracts'
import { advanceCoolDowns, type CoolDowns, NO_COOL_DOWNS } from './cool-downs.ts'
import { advanceModel, type ModelCounters } from './model-counters.ts'
import { emptyWindows, slideAll, type Windows } from './windows.ts'

/** What the record keeps of one gateway's lane: its last exchange that changed something, and what came of it. */
export interface PermitSession {
  readonly seq: number
  readonly results: readonly PermitResult[]
  readonly seenAtMs: number
  /** Reserved by the lane's permits that are not settled yet. */
  readonly open: Cost
}

/** A connection's counters. Immutable: every change gives a new record that shares what did not change. */
export interface CapacityRecord {
  /** The latest instant that anything was decided at, Unix milliseconds. Time never goes back behind it. */
  readonly clockMs: number
  /** Kept for every period whether it is limited or not, so that a limit set later knows what was used before. */
  readonly windows: Windows
  /** Where discovered limits are held: the same for each model, the one charged last at the end. */
  readonly models: ReadonlyMap<string, ModelCounters>
  /** By the lane's identity. */
  readonly sessions: ReadonlyMap<string, PermitSession>
  readonly cooldowns: CoolDowns
  /** The latest loss of charges that was made up for; absent where there was none for as long as it matters. */
  readonly loss?: Loss
}

/** A span of which the store lost charges, and what is counted in their place. All instants are Unix milliseconds. */
export interface Loss {
  /** Charges from after `fromMs` until `untilMs` may be missing. */
  readonly fromMs: number
  readonly untilMs: number
  readonly assumed: readonly AssumedUse[]
}

/** What is counted as used, since it is unknown whether it was. */
export interface AssumedUse {
  readonly period: Period
  readonly metric: Metric
  readonly amount: number
  /** When it stops counting. */
  readonly endsAtMs: number
}

export function emptyRecord(): CapacityRecord {
  return {
    clockMs: 0,
    windows: emptyWindows(),
    models: new Map(),
    sessions: new Map(),
    cooldowns: NO_COOL_DOWNS,
  }
}

/**
 * The record at `nowMs`, or at its own clock where that is later: windows slid, ended cool-downs and forgotten lanes gone.
 * Whichever instance's clock is behind, nothing that was counted slides out of the record twice.
 */
export function advance({ loss, ...record }: CapacityRecord, nowMs: number): CapacityRecord {
  const clockMs = Math.max(record.clockMs, nowMs)
  return {
    clockMs,
    windows: slideAll(record.windows, clockMs),
    models: record.models.size === 0 ? record.models : advanceModels(record.models, clockMs),
    sessions: keep(record.sessions, (session) => session.seenAtMs + PERMIT_SESSION_EXPIRY_MS > clockMs),
    cooldowns: advanceCoolDowns(record.cooldowns, clockMs),
    ...(loss === undefined || isOver(loss, clockMs) ? {} : { loss }),
  }
}

/** Whether nothing that was decided up to the record's clock counts any more at `nowMs`. */
export function isSpent({ clockMs }: Pick<CapacityRecord, 'clockMs'>, nowMs: number): boolean {
  return nowMs > clockMs + LONGEST_COUNT_MS
}

/** Whether a loss that ended at `untilMs` concerns no window of a record at `clockMs` any more. */
export function isOver({ untilMs }: Pick<Loss, 'untilMs'>, clockMs: number): boolean {
  return clockMs > untilMs + LONGEST_COUNT_MS
}

/** The longest period and two of its slots. */
const LONGEST_COUNT_MS = PERIOD_MS.day * (62 / 60)

/** The record without what it counts for each model, for where discovered limits are not held (any more). */
export function withoutModels(record: CapacityRecord): CapacityRecord {
  return record.models.size === 0 ? record : { ...record, models: new Map() }
}

function advanceModels(
  models: ReadonlyMap<string, ModelCounters>,
  clockMs: number,
): ReadonlyMap<string, ModelCounters> {
  return new Map(
    [...models].flatMap(([model, counters]) => {
      const advanced = advanceModel(counters, clockMs)
      return advanced === undefined ? [] : [[model, advanced]]
    }),
  )
}

function keep<Value>(map: ReadonlyMap<string, Value>, isKept: (value: Value) => boolean): ReadonlyMap<string, Value> {
  for (const value of map.values()) {
    if (!isKept(value)) return new Map([...map].filter(([, each]) => isKept(each)))
  }
  return map
}
