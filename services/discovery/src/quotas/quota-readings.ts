import { storableText } from '@sluice/contracts'
import { readBedrockQuota } from '@sluice/providers'
import { limitKey } from '../learn/learn.ts'
import type { LimitReading } from '../learn/limit-reading.ts'

/** One of an account's quotas. */
export interface AccountQuota {
  readonly name: string
  /** Absent if AWS could not determine it. */
  readonly value?: number
}

export interface QuotaReadings {
  /** At most one for each model and dimension. */
  readonly readings: readonly LimitReading[]
  /** The number of those whose model's id is uncertain. */
  readonly unknownModels: number
  /** The names of quotas of calls that cannot be parsed, or whose value is not a whole number. */
  readonly unreadable: readonly string[]
}

/**
 * Returns a connection's limits by its account's quotas in a region, at `seenAtMs` (Unix milliseconds). Of several
 * quotas for the same limit, the lowest counts. Quotas of anything but calls to models are ignored.
 */
export function quotaReadings(
  { connectionId, region, seenAtMs }: { connectionId: string; region: string; seenAtMs: number },
  quotas: readonly AccountQuota[],
): QuotaReadings {
  const lowest = new Map<string, LimitReading & { readonly limit: number; readonly isModelKnown: boolean }>()
  const unreadable: string[] = []
  for (const { name, value: limit } of quotas) {
    const quota = readBedrockQuota(name, region)
    if (quota === 'other') continue
    if (quota === 'unreadable' || limit === undefined || !Number.isSafeInteger(limit) || limit < 0) {
      unreadable.push(name)
      continue
    }
    const model = storableText(quota.model, MAX_MODEL_CHARS)
    const reading = { connectionId, seenAtMs, limit, source: 'service-quotas' as const, ...quota, model }
    const other = lowest.get(limitKey(reading))
    if (other === undefined || limit < other.limit) lowest.set(limitKey(reading), reading)
  }
  const limits = [...lowest.values()]
  return {
    readings: limits.map(({ isModelKnown: _, ...reading }) => reading),
    unknownModels: limits.filter(({ isModelKnown }) => !isModelKnown).length,
    unreadable,
  }
}

/** As long as a model's name may be in a connection's settings. */
const MAX_MODEL_CHARS = 256
