import {
  type Acquire,
  addCost,
  type Cost,
  costOf,
  DELIVERY_SLACK_MS,
  excessOf,
  NO_COST,
  PERMIT_BATCH_MAX_AGE_MS,
  type PermitBatchRequest,
  type PermitResult,
} from '@sluice/contracts'
import { acquire, chargeRecord, weighResponses } from './acquire.ts'
import type { HeldLimits } from './limits.ts'
import type { CapacityRecord, PermitSession } from './record.ts'
import { settle } from './settle.ts'

/** What an exchange came to on a record. */
export type AppliedBatch =
  /** It was applied now, or an earlier time it was sent: these are its results. */
  | {
      readonly status: 'decided'
      readonly record: CapacityRecord
      readonly results: readonly PermitResult[]
      /** When the lane's results are written, by the record's clock; absent where the exchange changed nothing. */
      readonly storedAtMs?: number
    }
  /**
   * Its lane has gone on to later exchanges, or it is older than the memory of lanes, so that nothing could tell whether it was
   * applied before. It is not applied.
   */
  | { readonly status: 'stale'; readonly record: CapacityRecord }

/**
 * Applies one exchange to a record that was advanced to now: settlements first, as they may free what the acquires ask for, then
 * the acquires in their order. An exchange that the record holds already is not applied again and has the same results. The
 * record is the same object where nothing changed, which then needs no write.
 *
 * At most once: an exchange is made when the counters' clock has passed its `asOfMs`, and its lane is kept for longer after it was
 * applied than {@link PERMIT_BATCH_MAX_AGE_MS}. Within that time the lane tells a repetition; after it, its age does.
 *
 * @param behindMs by how much the instance's clock is behind the record's
 */
export function applyPermitBatch(
  record: CapacityRecord,
  limits: HeldLimits,
  permitBatch: PermitBatchRequest,
  behindMs: number,
): AppliedBatch {
  const session = record.sessions.get(permitBatch.gateway)
  if (session !== undefined && permitBatch.seq <= session.seq) {
    return permitBatch.seq === session.seq
      ? { status: 'decided', record, results: session.results, storedAtMs: session.seenAtMs }
      : { status: 'stale', record }
  }
  if (record.clockMs - permitBatch.asOfMs > PERMIT_BATCH_MAX_AGE_MS) return { status: 'stale', record }
  let next = record
  for (const settlement of permitBatch.settlements) next = settle(next, settlement)
  const chargeLaterMs = (permitBatch.slackMs ?? DELIVERY_SLACK_MS) - DELIVERY_SLACK_MS
  const results: PermitResult[] = []
  for (const acquired of permitBatch.acquires) {
    const { model, pool, limited, ownTokens, probe, renews } = acquired
    const cost = costOf(acquired)
    if (renews !== undefined) {
      const atMs = record.clockMs + chargeLaterMs
      next = renew(next, limits, acquired, { fromMs: renews, toMs: atMs })
      results.push({ status: 'granted', chargedAtMs: atMs })
      continue
    }
    next = weighResponses(next, limits, model)
    const result = acquire(next, limits, { model, pool, cost, limited, ownTokens, behindMs, chargeLaterMs })
    if (result.status === 'granted') {
      if (probe !== true) next = result.record
      const { status, chargedAtMs, isTrial } = result
      results.push({ status, chargedAtMs, ...(isTrial && probe !== true ? { trialAtMs: record.clockMs } : {}) })
    } else {
      results.push(result)
    }
  }
  if (next === record) return { status: 'decided', record, results }
  const open = openAfter(session?.open ?? NO_COST, permitBatch, results)
  const applied = withSession(next, permitBatch, { results, open })
  return { status: 'decided', results, record: applied, storedAtMs: record.clockMs }
}

/**
 * Whether the record lacks charges: the lane knows of an exchange in the store that the record does not hold, although it would still
 * remember it, and although no loss since then was made up for.
 */
export function lacksCharges(record: CapacityRecord, { gateway, stored }: PermitBatchRequest): boolean {
  if (stored === undefined || record.clockMs - stored.atMs > PERMIT_BATCH_MAX_AGE_MS) return false
  if (record.loss !== undefined && stored.atMs <= record.loss.untilMs) return false
  const session = record.sessions.get(gateway)
  return session === undefined || session.seq < stored.seq
}

/** The record with a charge moved from one instant to a later one, in every window. */
function renew(
  record: CapacityRecord,
  limits: HeldLimits,
  acquired: Acquire,
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
): CapacityRecord {
  const { model, limited } = acquired
  const cost = costOf(acquired)
  const refunded = settle(record, {
    chargedAtMs: fromMs,
    reserved: cost,
    actual: NO_COST,
    ...(limits.discovered === undefined ? {} : { model }),
    ...(limited === undefined ? {} : { limited: { reserved: limited, actual: NO_COST } }),
  })
  return chargeRecord(refunded, limits, { model, cost, limited }, toMs)
}

function withSession(
  record: CapacityRecord,
  permitBatch: PermitBatchRequest,
  session: Pick<PermitSession, 'results' | 'open'>,
): CapacityRecord {
  const sessions = new Map(record.sessions)
  sessions.set(permitBatch.gateway, { seq: permitBatch.seq, seenAtMs: record.clockMs, ...session })
  return { ...record, sessions }
}

/** What the lane's unsettled permits hold after this exchange. */
function openAfter(open: Cost, { acquires, settlements }: PermitBatchRequest, results: readonly PermitResult[]): Cost {
  const held = costOf(open)
  for (const [index, acquired] of acquires.entries()) {
    const holdsMore = acquired.probe !== true && acquired.renews === undefined
    if (results[index]?.status !== 'granted' || !holdsMore) continue
    addCost(held, acquired)
  }
  const settled = costOf(NO_COST)
  for (const { reserved } of settlements) addCost(settled, reserved)
  return excessOf(held, settled) ?? NO_COST
}
