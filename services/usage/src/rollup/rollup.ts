import {
  type Outcome,
  type ProviderId,
  type ResponseBatch,
  type ResponseEvent,
  storableText,
  type TokenUsage,
} from '@sluice/contracts'
import { countedAtMs, type Granularity, granularityAt, type RetentionStarts, rollupStart } from './granularity.ts'
import { addDuration, type Histogram, mergeInto } from './histogram.ts'

/** The sums of requests of one kind that ended in one minute (or hour, or day). */
export interface Rollup {
  readonly granularity: Granularity
  /** The minute's start, Unix milliseconds. */
  readonly fromMs: number
  readonly connectionId: string
  readonly provider: ProviderId
  readonly model: string
  readonly apiKeyId: string
  readonly outcome: Outcome
  /** For `denied`: by which limit, or the error code where it was none; empty for other outcomes. */
  readonly deniedBy: string
  readonly requests: number
  readonly inputTokens: number
  readonly outputTokens: number
  /** Part of `inputTokens`. */
  readonly cachedInputTokens: number
  /** Part of `inputTokens`, and not of `cachedInputTokens`. */
  readonly cacheWriteInputTokens: number
  /** Part of `outputTokens`. */
  readonly reasoningTokens: number
  /** The number of requests whose usage was not understood, or not all of it. */
  readonly unreadRequests: number
  /** From sending the request to the response's end, for requests that were sent. */
  readonly latency: Histogram
  /** From sending the request to the response's first byte. */
  readonly timeToFirstToken: Histogram
}

/**
 * Adds the batches' events up by minute, connection, model, API key and outcome; those from before the retention start
 * of minutes by the hour or day that they are kept in. An event whose usage is unknown, or more than a request can
 * use, counts as a request without tokens. The result is sorted by its key, so that all transactions lock rollups in
 * one order.
 */
export function rollUp(batches: readonly ResponseBatch[], retentionStarts: RetentionStarts, nowMs: number): Rollup[] {
  const byKey = new Map<string, Mutable<Rollup>>()
  for (const batch of batches) {
    for (const event of batch.events) {
      const atMs = countedAtMs(event.endedAtMs, retentionStarts, nowMs)
      const granularity = granularityAt(atMs, retentionStarts) ?? 'day'
      const fromMs = rollupStart(granularity, atMs)
      const key = `${granularity}\0${fromMs}\0${batch.connectionId}\0${batch.provider}\0${event.model}\0${event.apiKeyId}\0${event.outcome}\0${event.deniedBy ?? ''}`
      let rollup = byKey.get(key)
      if (rollup === undefined) {
        rollup = emptyRollup(granularity, fromMs, batch, event)
        byKey.set(key, rollup)
      }
      add(rollup, event)
    }
  }
  return joined(byKey.values())
}

/** Returns the rollups with `modelOf`'s names of their models, one per key, sorted by it. */
export function rename(rollups: readonly Rollup[], modelOf: (rollup: Rollup) => string): Rollup[] {
  return joined(rollups.map((rollup) => ({ ...rollup, model: modelOf(rollup) })))
}

/** As long as a model's name may be in a connection's settings. */
const MAX_TEXT_CHARS = 256

/**
 * The most of one request. A report of more, as from a broken provider, would take the sums of all others beyond 64
 * bits.
 */
const MAX_TOKENS = 1_000_000_000_000

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

function emptyRollup(
  granularity: Granularity,
  fromMs: number,
  { connectionId, provider }: ResponseBatch,
  event: ResponseEvent,
): Mutable<Rollup> {
  return {
    granularity,
    fromMs,
    connectionId: storableText(connectionId, MAX_TEXT_CHARS),
    provider,
    model: storableText(event.model, MAX_TEXT_CHARS),
    apiKeyId: storableText(event.apiKeyId, MAX_TEXT_CHARS),
    outcome: event.outcome,
    deniedBy: storableText(event.deniedBy ?? '', MAX_TEXT_CHARS),
    requests: 0,
    inputTokens: 0,
    outputTokens: 0,
    cachedInputTokens: 0,
    cacheWriteInputTokens: 0,
    reasoningTokens: 0,
    unreadRequests: 0,
    latency: new Map(),
    timeToFirstToken: new Map(),
  }
}

function add(rollup: Mutable<Rollup>, event: ResponseEvent): void {
  const { requests = 1, usage, unreadUsage, upstreamMs, timeToFirstByteMs } = event
  rollup.requests += requests
  // Usage beyond what a request can use was not understood either.
  if (unreadUsage || (usage !== undefined && !isCredible(usage))) rollup.unreadRequests += requests
  if (upstreamMs !== undefined) addDuration(rollup.latency, upstreamMs)
  if (timeToFirstByteMs !== undefined) addDuration(rollup.timeToFirstToken, timeToFirstByteMs)
  if (usage !== undefined && isCredible(usage)) addTokens(rollup, usage)
}

function isCredible(usage: TokenUsage): boolean {
  const { inputTokens, outputTokens, cachedInputTokens, cacheWriteInputTokens = 0, reasoningTokens } = usage
  return Math.max(inputTokens, outputTokens, cachedInputTokens, cacheWriteInputTokens, reasoningTokens) <= MAX_TOKENS
}

function addTokens(rollup: Mutable<Rollup>, tokens: TokenUsage): void {
  rollup.inputTokens += tokens.inputTokens
  rollup.outputTokens += tokens.outputTokens
  rollup.cachedInputTokens += tokens.cachedInputTokens
  if (tokens.cacheWriteInputTokens !== undefined) rollup.cacheWriteInputTokens += tokens.cacheWriteInputTokens
  rollup.reasoningTokens += tokens.reasoningTokens
}

/** Returns one rollup per key, in the keys' order: different names may be stored alike. */
function joined(rollups: Iterable<Mutable<Rollup>>): Rollup[] {
  const byKey = new Map<string, Mutable<Rollup>>()
  for (const rollup of rollups) {
    const { granularity, fromMs, connectionId, provider, model, apiKeyId, outcome, deniedBy } = rollup
    const key = [granularity, fromMs, connectionId, provider, model, apiKeyId, outcome, deniedBy].join('\0')
    const same = byKey.get(key)
    if (same === undefined) {
      byKey.set(key, rollup)
      continue
    }
    same.requests += rollup.requests
    same.unreadRequests += rollup.unreadRequests
    addTokens(same, rollup)
    mergeInto(same.latency, rollup.latency)
    mergeInto(same.timeToFirstToken, rollup.timeToFirstToken)
  }
  return [...byKey].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, rollup]) => rollup)
}
