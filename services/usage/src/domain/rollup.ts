import type { Outcome, ResponseBatch, ResponseEvent } from '@sluice/contracts'
import { storableText } from '@sluice/contracts'

/** What requests of one kind, ended in one minute, add up to. */
export interface Rollup {
  /** The minute's start, Unix milliseconds. */
  readonly minuteAtMs: number
  readonly connectionId: string
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
  /** Part of `outputTokens`. */
  readonly reasoningTokens: number
}

/**
 * Adds the batches' events up by minute, connection, model, API key and outcome. An event whose usage is not known counts
 * as a request without tokens. The result is sorted by its key, so that whoever writes rollups locks them in one order.
 */
export function rollUp(batches: readonly ResponseBatch[]): Rollup[] {
  const byKey = new Map<string, Mutable<Rollup>>()
  for (const { connectionId, events } of batches) {
    for (const event of events) {
      const empty = emptyRollup(connectionId, event)
      const key = `${empty.minuteAtMs}\0${empty.connectionId}\0${empty.model}\0${empty.apiKeyId}\0${empty.outcome}\0${empty.deniedBy}`
      let rollup = byKey.get(key)
      if (rollup === undefined) {
        rollup = empty
        byKey.set(key, rollup)
      }
      add(rollup, event)
    }
  }
  return [...byKey].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, rollup]) => rollup)
}

const MINUTE_MS = 60_000
/** As long as a model's name may be in a connection's settings. */
const MAX_TEXT_CHARS = 256

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

function emptyRollup(connectionId: string, event: ResponseEvent): Mutable<Rollup> {
  return {
    minuteAtMs: Math.floor(event.endedAtMs / MINUTE_MS) * MINUTE_MS,
    connectionId: storableText(connectionId, MAX_TEXT_CHARS),
    model: storableText(event.model, MAX_TEXT_CHARS),
    apiKeyId: storableText(event.apiKeyId, MAX_TEXT_CHARS),
    outcome: event.outcome,
    deniedBy: storableText(event.deniedBy ?? '', MAX_TEXT_CHARS),
    requests: 0,
    inputTokens: 0,
    outputTokens: 0,
    cachedInputTokens: 0,
    reasoningTokens: 0,
  }
}

function add(rollup: Mutable<Rollup>, { usage }: ResponseEvent): void {
  rollup.requests += 1
  if (usage === undefined) return
  rollup.inputTokens += usage.inputTokens
  rollup.outputTokens += usage.outputTokens
  rollup.cachedInputTokens += usage.cachedInputTokens
  rollup.reasoningTokens += usage.reasoningTokens
}
