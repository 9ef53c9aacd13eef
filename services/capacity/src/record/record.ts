/**
 * A connection's record: everything that is counted for it, as one immutable value that one compare-and-set replaces.
 */
import {
  type Cost,
  LONGEST_PERIOD_MS,
  type Metric,
  PERMIT_SESSION_EXPIRY_MS,
  type Period,
  type PermitResult,
} from '@sluice/contracts'
import { advanceCoolDowns, type CoolDowns, NO_COOL_DOWNS } from './cool-downs.ts'
import { advanceModel, type ModelCounters } from './model-counters.ts'
import { emptyWindows, slideAll, type Windows } from './window.ts'

/** Every change returns a new record that shares what did not change. */
export interface CapacityRecord {
  /** The latest instant at which anything was decided, in Unix milliseconds. Never goes back. */
  readonly clockMs: number
  /** Kept for every period, limited or not, so that a limit set later applies to earlier use. */
  readonly windows: Windows
  /** The same by model, the model charged last at the end. Empty unless discovered limits are enforced. */
  readonly models: ReadonlyMap<string, ModelCounters>
  /** By the identity of the gateway's session. */
  readonly sessions: ReadonlyMap<string, PermitSession>
  readonly coolDowns: CoolDowns
  /** The latest loss of charges that was made up for; absent when there was none that still matters. */
  readonly loss?: Loss
}

/** A gateway's permit session in the record: its last batch that changed something, and that batch's results. */
export interface PermitSession {
  readonly seq: number
  readonly results: readonly PermitResult[]
  readonly seenAtMs: number
  /** Reserved by the session's permits that are not settled yet. */
  readonly open: Cost
}

/** A span in which the store lost charges, and what is counted in their place. All instants are Unix milliseconds. */
export interface Loss {
  /** Charges made after `fromMs` and until `untilMs` may be missing. */
  readonly fromMs: number
  readonly untilMs: number
  readonly assumed: readonly AssumedUse[]
}

/** Use that is counted because it is unknown whether it happened. */
export interface AssumedUse {
  readonly period: Period
  readonly metric: Metric
  readonly amount: number
  /** When it stops counting. */
  readonly endsAtMs: number
}

/** A record as the store has it. */
export interface RecordVersion {
  readonly record: CapacityRecord
  /** The revision that a write of the next version expects; 0 when nothing is stored. */
  readonly revision: number
}

export function emptyRecord(): CapacityRecord {
  return {
    clockMs: 0,
    windows: emptyWindows(),
    models: new Map(),
    sessions: new Map(),
    coolDowns: NO_COOL_DOWNS,
  }
}

/**
 * Advances the record to `nowMs`, or to its own clock if that is later: slides its windows and removes expired
 * cool-downs, sessions and losses. Because the record's clock never goes back, an instance whose clock is behind lets
 * nothing slide out twice.
 */
export function advance({ loss, ...record }: CapacityRecord, nowMs: number): CapacityRecord {
  const clockMs = Math.max(record.clockMs, nowMs)
  return {
    clockMs,
    windows: slideAll(record.windows, clockMs),
    models: record.models.size === 0 ? record.models : advanceModels(record.models, clockMs),
    sessions: keep(record.sessions, (session) => session.seenAtMs + PERMIT_SESSION_EXPIRY_MS > clockMs),
    coolDowns: advanceCoolDowns(record.coolDowns, clockMs),
    ...(loss === undefined || isOver(loss, clockMs) ? {} : { loss }),
  }
}

/** Returns true when nothing that was decided up to the record's clock counts at `nowMs`. */
export function isSpent({ clockMs }: Pick<CapacityRecord, 'clockMs'>, nowMs: number): boolean {
  return nowMs > clockMs + LONGEST_COUNT_MS
}

/** Returns true when a loss that ended at `untilMs` affects no window of a record at `clockMs`. */
export function isOver({ untilMs }: Pick<Loss, 'untilMs'>, clockMs: number): boolean {
  return clockMs > untilMs + LONGEST_COUNT_MS
}

/** Removes the counts by model, for when discovered limits are not enforced (any more). */
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

/** The longest period and two of its slots. */
const LONGEST_COUNT_MS = LONGEST_PERIOD_MS * (62 / 60)
