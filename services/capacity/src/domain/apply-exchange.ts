import type { Cost, ExchangeRequest, PermitResult } from '@sluice/contracts'
import { acquireNow, weighAnswers } from './acquire.ts'
import type { HeldLimits } from './limits.ts'
import type { CapacityRecord, Lane } from './record.ts'
import { settle } from './settle.ts'

/** What an exchange came to on a record. */
export type AppliedExchange =
  /** It was applied now, or an earlier time it was sent: these are its results. */
  | { readonly status: 'decided'; readonly record: CapacityRecord; readonly results: readonly PermitResult[] }
  /** Its lane has gone on to later exchanges: nobody waits for it, and it must not be applied. */
  | { readonly status: 'stale'; readonly record: CapacityRecord }

/**
 * Applies one exchange to a record that was advanced to now: settlements first, as they may free what the acquires ask for, then
 * the acquires in their order. An exchange that the record holds already is not applied again and has the same results. The
 * record is the same object where nothing changed, which then needs no write.
 *
 * @param behindMs by how much the instance's clock is behind the record's
 */
export function applyExchange(
  record: CapacityRecord,
  limits: HeldLimits,
  exchange: ExchangeRequest,
  behindMs: number,
): AppliedExchange {
  const lane = record.lanes.get(exchange.gateway)
  if (lane !== undefined && exchange.seq <= lane.seq) {
    return exchange.seq === lane.seq
      ? { status: 'decided', record, results: lane.results }
      : { status: 'stale', record }
  }
  let next = record
  for (const settlement of exchange.settlements) next = settle(next, settlement)
  const results: PermitResult[] = []
  for (const { model, requests, tokens, probe } of exchange.acquires) {
    next = weighAnswers(next, limits, model)
    const result = acquireNow(next, limits, model, { requests, tokens }, behindMs)
    if (result.status === 'granted') {
      if (probe !== true) next = result.record
      results.push({ status: 'granted', chargedAtMs: result.chargedAtMs })
    } else {
      results.push(result)
    }
  }
  if (next === record) return { status: 'decided', record, results }
  const open = openAfter(lane?.open ?? { requests: 0, tokens: 0 }, exchange, results)
  return { status: 'decided', results, record: withLane(next, exchange, { results, open }) }
}

function withLane(
  record: CapacityRecord,
  exchange: ExchangeRequest,
  lane: Pick<Lane, 'results' | 'open'>,
): CapacityRecord {
  const lanes = new Map(record.lanes)
  lanes.set(exchange.gateway, { seq: exchange.seq, seenAtMs: record.clockMs, ...lane })
  return { ...record, lanes }
}

/** What the lane's unsettled permits hold after this exchange. */
function openAfter(open: Cost, { acquires, settlements }: ExchangeRequest, results: readonly PermitResult[]): Cost {
  let { requests, tokens } = open
  for (const { reserved } of settlements) {
    requests -= reserved.requests
    tokens -= reserved.tokens
  }
  for (const [index, acquire] of acquires.entries()) {
    if (results[index]?.status !== 'granted' || acquire.probe === true) continue
    requests += acquire.requests
    tokens += acquire.tokens
  }
  return { requests: Math.max(0, requests), tokens: Math.max(0, tokens) }
}
