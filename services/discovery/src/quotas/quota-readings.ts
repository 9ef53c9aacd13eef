import { storableText } from '@sluice/contracts'
import { readBedrockQuota } from '@sluice/providers'
import { limitKey } from '../learn/learn.ts'
import type { LimitReading } from '../learn/limit-reading.ts'

/** One of an account's quotas. */
export interface AccountQuota {
  readonly name: string
  /** Absent where AWS could not find it out. */
  readonly value?: number
}

export interface QuotaReadings {
  /** At most one for each model and dimension. */
  readonly readings: readonly LimitReading[]
  /** How many of them are of a model whose id is not certain. */
  readonly unknownModels: number
  /** The names of quotas of calls that cannot be made out, or whose value is not a whole number. */
  readonly unreadable: readonly string[]
}

/**
 * What an account's quotas in a region tell of a connection's limits, at `seenAtMs` (Unix milliseconds). Of several quotas of the
 * same, the lowest counts. Quotas of anything but calls to models tell nothing.
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
  const told = [...lowest.values()]
  return {
    readings: told.map(({ isModelKnown: _, ...reading }) => reading),
    unknownModels: told.filter(({ isModelKnown }) => !isModelKnown).length,
    unreadable,
  }
}

/** As long as a model's name may be in a connection's settings. */
const MAX_MODEL_CHARS = 256
