/**
 * Decides the permit batches that wait for a connection, on its record. Pure: no clock, no store, no state.
 *
 * **Algorithm.** The record is advanced to now (windows slide, expired sessions and cool-downs go), charges that the
 * store may have lost are made up for, and the batches are applied one after the other: settlements, then acquires in
 * order, each charged to every window or to none. The result is a new record and a reply for each batch.
 *
 * **Exactness.** In any interval as long as a limit's period, what is admitted never exceeds the limit, because a
 * charge counts until its whole slot is older than the period. `never-above-the-limit.test.ts` and
 * `exact-decisions.test.ts` drive this code with random batches, clocks and faults against brute-force models.
 *
 * **Concurrency and failure.** Nothing here is shared or remembered. A decision counts once its record is stored in
 * place of the version it was made on (`commit/group-commit.ts`); otherwise it is dropped and made again. Sequence
 * numbers in the record make a repeated batch return its first results.
 */
import type { PermitBatchReply, PermitBatchRequest } from '@sluice/contracts'
import type { EnforcedLimits } from '../record/limits.ts'
import { isRolledBack, type LostSpan, lacksCharges, makeUpFor, spanOf } from '../record/lost-charges.ts'
import { advance, type CapacityRecord, type Loss, type RecordVersion, withoutModels } from '../record/record.ts'
import { windowStates } from '../record/status.ts'
import { applyPermitBatch } from './apply-permit-batch.ts'

export interface DecideOptions {
  readonly connectionId: string
  readonly limits: EnforcedLimits
  /** The deciding instance's clock, Unix milliseconds. */
  readonly nowMs: number
  /** The charges that the store may have lost; absent: the store is trusted. */
  readonly doubts?: StoreDoubts
}

export interface StoreDoubts {
  /** The span in which every record may lack charges; undefined when none is suspected. */
  readonly suspected: LostSpan | undefined
  /** The newest version of the record that this instance has seen. */
  readonly newestSeen: RecordVersion | undefined
}

export interface Decision {
  /** The record to store; the same object as the version's when nothing changed that is worth a write. */
  readonly record: CapacityRecord
  /** One for each batch, in order. */
  readonly outcomes: readonly BatchDecision[]
  /** The loss that this decision made up for. */
  readonly loss: Loss | undefined
}

type BatchDecision =
  | { readonly status: 'decided'; readonly reply: PermitBatchReply }
  /** See {@link PermitBatchOutcome}: the batch cannot be applied any more. */
  | { readonly status: 'stale' }

/** Decides all batches on the stored version of a connection's record. */
export function decide(
  version: RecordVersion,
  batches: readonly PermitBatchRequest[],
  { connectionId, limits, nowMs: instanceMs, doubts }: DecideOptions,
): Decision {
  // The clock has reached every batch's `asOfMs`: an instance whose machine was paused may be behind it.
  const nowMs = batches.reduce((latestMs, { asOfMs }) => Math.max(latestMs, asOfMs), instanceMs)
  const isByModel = limits.discovered !== undefined
  const advanced = advance(version.record, nowMs)
  const current = isByModel ? advanced : withoutModels(advanced)
  const madeUp =
    doubts === undefined ? current : makeUpForLosses(current, version, batches, { connectionId, limits, doubts })
  const { clockMs } = current
  let record = madeUp
  const applied = batches.map((batch) => {
    const outcome = applyPermitBatch(record, limits, batch, clockMs - nowMs)
    record = outcome.record
    return { batch, outcome }
  })
  const windows = windowStates(record, limits)
  return {
    // Having slid is no reason for a write: the next decision slides the record just as well.
    record: record === current ? version.record : record,
    loss: madeUp === current ? undefined : madeUp.loss,
    outcomes: applied.map(({ batch, outcome }): BatchDecision => {
      if (outcome.status === 'stale') return outcome
      const { results, storedAtMs } = outcome
      const reply = {
        seq: batch.seq,
        results: [...results],
        windows,
        ...(isByModel ? { byModel: true } : {}),
        clockMs,
        ...(storedAtMs === undefined ? {} : { storedAtMs }),
      }
      return { status: 'decided', reply }
    }),
  }
}

/** Makes up for charges that the store lost; returns the same object when it lost none. */
function makeUpForLosses(
  current: CapacityRecord,
  version: RecordVersion,
  batches: readonly PermitBatchRequest[],
  { connectionId, limits, doubts: { suspected, newestSeen } }: Required<Omit<DecideOptions, 'nowMs'>>,
): CapacityRecord {
  const storedClockMs = version.revision === 0 ? undefined : version.record.clockMs
  const span = suspected === undefined ? undefined : spanOf(suspected, connectionId, storedClockMs)
  const record = span === undefined ? current : makeUpFor(current, limits, span)
  if (isRolledBack(version, newestSeen) || batches.some((batch) => lacksCharges(record, batch))) {
    return makeUpFor(record, limits, { fromMs: version.record.clockMs, untilMs: current.clockMs })
  }
  return record
}
