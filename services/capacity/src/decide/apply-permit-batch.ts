/** Applies one gateway's permit batch to a record, at most once. */
import {
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
import type { EnforcedLimits } from '../record/limits.ts'
import type { CapacityRecord, PermitSession } from '../record/record.ts'
import { acquire, reconcileModel } from './acquire.ts'
import { renew, settle } from './settle.ts'

export type PermitBatchOutcome =
  /** The batch was applied, now or when it was sent before: these are its results. */
  | {
      readonly status: 'decided'
      readonly record: CapacityRecord
      readonly results: readonly PermitResult[]
      /** When the session's results were written, by the record's clock; absent when the batch changed nothing. */
      readonly storedAtMs?: number
    }
  /**
   * The batch is not applied: its session has applied later batches, or it is older than sessions are remembered, so
   * that nothing can say whether it was applied before.
   */
  | { readonly status: 'stale'; readonly record: CapacityRecord }

/**
 * Applies a batch to a record that was advanced to now: first the settlements, which may free what the acquires need,
 * then the acquires in order. A batch that the record already contains is not applied again and returns the same
 * results. The record is the same object when nothing changed, and then needs no write.
 *
 * At most once: a batch is made when the counters' clock has passed its `asOfMs`, and after it was applied its session
 * is remembered for longer than {@link PERMIT_BATCH_MAX_AGE_MS}. Until then the session's sequence number reveals a
 * repeat; after that, the batch's age does.
 *
 * @param behindMs by how much the instance's clock is behind the record's
 */
export function applyPermitBatch(
  record: CapacityRecord,
  limits: EnforcedLimits,
  permitBatch: PermitBatchRequest,
  behindMs: number,
): PermitBatchOutcome {
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
  for (const requested of permitBatch.acquires) {
    const { model, pool, limited, ownTokens, probe, renews } = requested
    if (renews !== undefined) {
      const atMs = record.clockMs + chargeLaterMs
      next = renew(next, limits, requested, { fromMs: renews, toMs: atMs })
      results.push({ status: 'granted', chargedAtMs: atMs })
      continue
    }
    next = reconcileModel(next, limits, model)
    const cost = costOf(requested)
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

function withSession(
  record: CapacityRecord,
  permitBatch: PermitBatchRequest,
  session: Pick<PermitSession, 'results' | 'open'>,
): CapacityRecord {
  const sessions = new Map(record.sessions)
  sessions.set(permitBatch.gateway, { seq: permitBatch.seq, seenAtMs: record.clockMs, ...session })
  return { ...record, sessions }
}

/** Returns what the session's unsettled permits have reserved after this batch. */
function openAfter(open: Cost, { acquires, settlements }: PermitBatchRequest, results: readonly PermitResult[]): Cost {
  const reserved = costOf(open)
  for (const [index, requested] of acquires.entries()) {
    const reservesMore = requested.probe !== true && requested.renews === undefined
    if (results[index]?.status === 'granted' && reservesMore) addCost(reserved, requested)
  }
  const settled = costOf(NO_COST)
  for (const settlement of settlements) addCost(settled, settlement.reserved)
  return excessOf(reserved, settled) ?? NO_COST
}
