import type { ModelLimit } from '@sluice/contracts'
import type { HeldLimits } from '../domain/limits.ts'
import type { CapacityRecord } from '../domain/record.ts'
import { acquireAt } from './acquire-at.ts'

export const T0 = Date.UTC(2026, 0, 1)
export const one = { requests: 1, tokens: 0 }

/** What an answer at `T0` told of the model `m`. */
export function told(limit: number, more: Partial<ModelLimit> = {}): ModelLimit {
  return { model: 'm', period: 'minute', metric: 'requests', dimension: 'requests', limit, seenAtMs: T0, ...more }
}

/** A connection with nothing configured that is held to `limits`. */
export function held(...limits: ModelLimit[]): HeldLimits {
  const discovered = new Map(limits.map(({ model }) => [model, limits.filter((limit) => limit.model === model)]))
  return { configured: [], discovered }
}

/** How many of very many requests at `atMs` are granted, and the record after them. */
export function fill(record: CapacityRecord, limits: HeldLimits, atMs: number, model = 'm') {
  let granted = 0
  for (let next = record; granted < 1_000; granted++) {
    const result = acquireAt(next, limits, model, one, atMs)
    if (result.status === 'denied') return { record: next, granted, denied: result }
    next = result.record
  }
  throw new Error('nothing limits it')
}

/** The record after `count` requests at `atMs`, all granted. */
export function grant(record: CapacityRecord, limits: HeldLimits, count: number, atMs: number): CapacityRecord {
  let next = record
  for (let i = 0; i < count; i++) {
    const result = acquireAt(next, limits, 'm', one, atMs)
    if (result.status === 'denied') throw new Error(JSON.stringify(result))
    next = result.record
  }
  return next
}
