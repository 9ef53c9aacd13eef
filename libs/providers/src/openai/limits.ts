import type { RateLimitReading } from '@sluice/contracts'
import { resourcePool, tierPool } from '../limits.ts'
import type { Operation } from '../provider-adapter.ts'
import { countHeader, type WireHeaders } from '../wire/headers.ts'
import { isRecord } from '../wire/json.ts'
import {
  keepRateLimitHeaders,
  parseCount,
  parseDurationMs,
  parseMillisecondsMs,
  parseSecondsMs,
  type ReportedNumber,
  rateLimitReading,
  retryAfterOrResetMs,
} from '../wire/rate-limit-headers.ts'

/**
 * Reads OpenAI's `x-ratelimit-{limit,remaining,reset}-{requests,tokens,input-images,project-tokens,…}`, whatever they
 * count, and the variants of servers that speak OpenAI's API. OpenAI does not report whether a limit is per minute or
 * per day, so the period is unknown. Others do: Azure in `x-ratelimit-renewalperiod-*` (seconds), Mistral and Cerebras
 * in the name (`tokens-minute`, `req-10-second`).
 * @see https://platform.openai.com/docs/guides/rate-limits#rate-limits-in-headers
 * @see https://inference-docs.cerebras.ai/support/rate-limits
 */
export function readOpenAiRateLimits(headers: WireHeaders): RateLimitReading[] {
  return dimensionsIn(headers).flatMap(({ dimension, limit, remaining, reset }) => {
    const renewalMs = renewalPeriodMs(headers, dimension)
    const namedMs = namedPeriodMs(dimension)
    const reading = rateLimitReading(dimension, {
      limit: parseCount(headers, limit),
      remaining: parseCount(headers, remaining),
      resetMs: reset === undefined ? undefined : resetMs(headers, reset, { renewalMs, isNamed: namedMs !== undefined }),
    })
    if (reading === undefined) return []
    const periodMs = renewalMs ?? (namedMs === 'varies' ? undefined : namedMs)
    return periodMs === undefined ? reading : { ...reading, periodMs }
  })
}

/** Returns the headers that may be kept in a response event. */
export function openAiRateLimitHeaders(headers: WireHeaders): Record<string, string> | undefined {
  return keepRateLimitHeaders(headers, isRateLimit)
}

/**
 * Returns what `retry-after-ms` or `retry-after` ask for; without them, the longest reset of the limits with nothing
 * remaining. Mistral reports that only in `ratelimitbysize-reset` (seconds).
 */
export function openAiRetryAfterMs(headers: WireHeaders, receivedAtMs: number): number | undefined {
  const readings = readOpenAiRateLimits(headers)
  const isUsedUp = countHeader(headers, `${BY_SIZE}remaining`) === 0
  const resetMs = isUsedUp ? parseSecondsMs(headers, `${BY_SIZE}reset`) : undefined
  if (typeof resetMs === 'number') readings.push({ dimension: 'bysize', remaining: 0, resetMs })
  return retryAfterOrResetMs(headers, receivedAtMs, readings)
}

function isRateLimit(name: string): boolean {
  // Called for every header of every response: the first letter excludes most.
  const first = name.charCodeAt(0)
  if (first === LETTER_X) return name.startsWith(PREFIX) || name.startsWith(X_BY_SIZE)
  return first === LETTER_R && name.startsWith(BY_SIZE)
}

const LETTER_R = 0x72
const LETTER_X = 0x78
const PREFIX = 'x-ratelimit-'
const BY_SIZE = 'ratelimitbysize-'
const X_BY_SIZE = `x-${BY_SIZE}`
const PART_HEADER = /^x-ratelimit-(?:limit|remaining|reset)-(.+)$/
/**
 * Mistral's limits by request size, with or without the window in the name. Their reset is not part of a reading: see
 * above.
 */
const BY_SIZE_HEADER = /^(x-)?ratelimitbysize-(?:limit|remaining)(?:-(.+))?$/

/** A dimension and the names of its headers. */
interface Dimension {
  readonly dimension: string
  readonly limit: string
  readonly remaining: string
  /** Absent where no reset is reported that restores the whole limit evenly. */
  readonly reset?: string
}

function dimensionsIn(headers: WireHeaders): Dimension[] {
  const dimensions = new Map<string, Dimension>()
  for (const name in headers) {
    const found = name.startsWith(PREFIX) ? usualDimension(name) : name.includes(BY_SIZE) ? bySize(name) : undefined
    if (found !== undefined) dimensions.set(found.dimension, found)
  }
  return [...dimensions.values()].sort((a, b) => (a.dimension < b.dimension ? -1 : 1))
}

function usualDimension(name: string): Dimension | undefined {
  const dimension = PART_HEADER.exec(name)?.[1]
  if (dimension === undefined) return undefined
  return {
    dimension,
    limit: `${PREFIX}limit-${dimension}`,
    remaining: `${PREFIX}remaining-${dimension}`,
    reset: `${PREFIX}reset-${dimension}`,
  }
}

function bySize(name: string): Dimension | undefined {
  const [header, x = '', window] = BY_SIZE_HEADER.exec(name) ?? []
  if (header === undefined) return undefined
  const end = window === undefined ? '' : `-${window}`
  return { dimension: `bysize${end}`, limit: `${x}${BY_SIZE}limit${end}`, remaining: `${x}${BY_SIZE}remaining${end}` }
}

/** Reads Azure's period, which is in whole seconds. */
function renewalPeriodMs(headers: WireHeaders, dimension: string): number | undefined {
  const seconds = countHeader(headers, `${PREFIX}renewalperiod-${dimension}`)
  return seconds === undefined || seconds < 1 || seconds > MAX_PERIOD_S ? undefined : seconds * 1_000
}

const MAX_PERIOD_S = 366 * 86_400

/**
 * Returns the window in a dimension's name (`audio-seconds` has none); `varies`: a month, which has no fixed length.
 */
function namedPeriodMs(dimension: string): number | 'varies' | undefined {
  const [, count = '1', unit = ''] = NAMED_WINDOW.exec(dimension) ?? []
  if (unit === 'month') return 'varies'
  const unitMs = UNIT_MS[unit]
  return unitMs === undefined ? undefined : Number(count) * unitMs
}

const NAMED_WINDOW = /-(?:([1-9]\d{0,3})-)?(second|minute|hour|day|month)$/
const UNIT_MS: Readonly<Record<string, number>> = {
  second: 1_000,
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
}

/**
 * Reads a reset: a Go duration, as OpenAI writes it. A bare number is in milliseconds beside Azure's renewal period (1
 * of 120 requests per minute is restored in 500), in seconds where the dimension's name has its window, as Cerebras
 * documents, and unreadable elsewhere.
 */
function resetMs(
  headers: WireHeaders,
  name: string,
  { renewalMs, isNamed }: { readonly renewalMs: number | undefined; readonly isNamed: boolean },
): ReportedNumber {
  const durationMs = parseDurationMs(headers, name)
  if (durationMs !== 'unreadable') return durationMs
  if (renewalMs !== undefined) return parseMillisecondsMs(headers, name)
  return isNamed ? parseSecondsMs(headers, name) : durationMs
}

/**
 * Returns a request's pool by its service tier. `auto`, or no tier, is the project's tier; `default` may be another.
 * `fast` is the newer name of `priority`.
 * @see https://platform.openai.com/docs/guides/flex-processing
 * @see https://platform.openai.com/docs/guides/rate-limits on long context
 */
export function openAiPool({ usesModel, path }: Operation, body: unknown): string {
  if (!usesModel) return resourcePool(path)
  return isRecord(body) ? tierPool(TIERS, body.service_tier) : ''
}

const TIERS = {
  default: 'default',
  fast: 'priority',
  flex: 'flex',
  priority: 'priority',
  scale: 'scale',
  ultrafast: 'ultrafast',
}

/** Some models have separate limits for longer prompts. */
export const OPENAI_LONG_PROMPT_TOKENS = 128_000
