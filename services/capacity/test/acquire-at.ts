import { type Acquire, type Cost, DELIVERY_SLACK_MS, type Denied, type ModelLimit } from '@sluice/contracts'
import { applyPermitBatch } from '../src/decide/apply-permit-batch.ts'
import type { EnforcedLimits } from '../src/record/limits.ts'
import { advance, type CapacityRecord } from '../src/record/record.ts'

export type Acquired =
  | {
      readonly status: 'granted'
      readonly record: CapacityRecord
      readonly chargedAtMs: number
      readonly trialAtMs?: number
    }
  | Denied

let gateways = 0

/** Acquires a permit for a request to `model` at `nowMs`, as a new gateway does with a batch of its own. */
export function acquireAt(
  record: CapacityRecord,
  limits: EnforcedLimits,
  model: string,
  cost: Cost,
  nowMs: number,
): Acquired {
  return requestAt(record, limits, { model, ...cost }, nowMs)
}

/** The same for any acquire. */
export function requestAt(
  record: CapacityRecord,
  limits: EnforcedLimits,
  acquire: Acquire,
  nowMs: number,
  slackMs: number = DELIVERY_SLACK_MS,
): Acquired {
  const now = advance(record, nowMs)
  const permitBatch = {
    gateway: `g${++gateways}`,
    seq: 1,
    asOfMs: nowMs,
    slackMs,
    acquires: [acquire],
    settlements: [],
  }
  const applied = applyPermitBatch(now, limits, permitBatch, now.clockMs - nowMs)
  if (applied.status !== 'decided') throw new Error('a new batch is not stale')
  const [result] = applied.results
  if (result === undefined) throw new Error('each acquire has a result')
  return result.status === 'granted' ? { ...result, record: applied.record } : result
}

export const T0 = Date.UTC(2026, 0, 1)
export const one = { requests: 1, tokens: 0 }

/** Returns a limit of model `m` that a response reported at `T0`. */
export function reportedLimit(limit: number, more: Partial<ModelLimit> = {}): ModelLimit {
  return { model: 'm', period: 'minute', metric: 'requests', dimension: 'requests', limit, seenAtMs: T0, ...more }
}

/** Returns the limits of a connection that has none configured and enforces `limits`. */
export function enforcing(...limits: ModelLimit[]): EnforcedLimits {
  const discovered = new Map(limits.map(({ model }) => [model, limits.filter((limit) => limit.model === model)]))
  return { configured: [], discovered }
}

/** Returns how many requests at `atMs` are granted before one is denied, and the record after them. */
export function fill(record: CapacityRecord, limits: EnforcedLimits, atMs: number, model = 'm') {
  let granted = 0
  for (let next = record; granted < 1_000; granted++) {
    const result = acquireAt(next, limits, model, one, atMs)
    if (result.status === 'denied') return { record: next, granted, denied: result }
    next = result.record
  }
  throw new Error('nothing limits it')
}

/** The record after `count` requests at `atMs`, all granted. */
export function grant(record: CapacityRecord, limits: EnforcedLimits, count: number, atMs: number): CapacityRecord {
  let next = record
  for (let i = 0; i < count; i++) {
    const result = acquireAt(next, limits, 'm', one, atMs)
    if (result.status === 'denied') throw new Error(JSON.stringify(result))
    next = result.record
  }
  return next
}
