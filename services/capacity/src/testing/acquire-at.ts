import { type Acquire, type Cost, DELIVERY_SLACK_MS, type Denied } from '@sluice/contracts'
import { applyPermitBatch } from '../domain/apply-exchange.ts'
import type { HeldLimits } from '../domain/limits.ts'
import { advance, type CapacityRecord } from '../domain/record.ts'

export type Acquired =
  | {
      readonly status: 'granted'
      readonly record: CapacityRecord
      readonly chargedAtMs: number
      readonly trialAtMs?: number
    }
  | Denied

let gateways = 0

/** Asks for a permit for a request to `model` at `nowMs` as a new gateway does, in an exchange of its own. */
export function acquireAt(
  record: CapacityRecord,
  limits: HeldLimits,
  model: string,
  cost: Cost,
  nowMs: number,
): Acquired {
  return askAt(record, limits, { model, ...cost }, nowMs)
}

/** The same for anything that may be asked for. */
export function askAt(
  record: CapacityRecord,
  limits: HeldLimits,
  asked: Acquire,
  nowMs: number,
  slackMs: number = DELIVERY_SLACK_MS,
): Acquired {
  const now = advance(record, nowMs)
  const permitBatch = { gateway: `g${++gateways}`, seq: 1, asOfMs: nowMs, slackMs, acquires: [asked], settlements: [] }
  const applied = applyPermitBatch(now, limits, permitBatch, now.clockMs - nowMs)
  if (applied.status !== 'decided') throw new Error('a new exchange is not stale')
  const [result] = applied.results
  if (result === undefined) throw new Error('each acquire has a result')
  return result.status === 'granted' ? { ...result, record: applied.record } : result
}
