import type { RateLimitReading } from '@sluice/contracts'
import { readOpenAiRateLimits } from '../openai/rate-limit-headers.ts'
import type { WireHeaders } from '../provider-adapter.ts'

/**
 * OpenAI's names, but requests are always those of a day and tokens those of a minute; of further dimensions the period is
 * not documented.
 * @see https://console.groq.com/docs/rate-limits#rate-limit-headers
 */
export function readGroqRateLimits(headers: WireHeaders): RateLimitReading[] {
  return readOpenAiRateLimits(headers).map((reading) => {
    const periodMs = PERIODS_MS.get(reading.dimension)
    return periodMs === undefined ? reading : { ...reading, periodMs }
  })
}

const PERIODS_MS: ReadonlyMap<string, number> = new Map([
  ['requests', 86_400_000],
  ['tokens', 60_000],
])
