import { type Outcome, type ResponseBatch, type ResponseEvent, responses } from '@sluice/contracts'
import { type Bus, publishToStream } from '@sluice/messaging'

/**
 * The traffic sent for one connection and model: the expected sums of usage, and the newest response's values for
 * discovery.
 */
export interface Sent {
  requests: number
  inputTokens: number
  outputTokens: number
  cachedInputTokens: number
  reasoningTokens: number
  readonly outcomes: Record<string, number>
  newestAtMs: number
  /** The remaining request limit, by the newest response. */
  remaining: number
}

/** By connection, then by model. */
export type SentByModel = ReadonlyMap<string, ReadonlyMap<string, Sent>>

export const EVENTS = Number(process.env.EVENTS ?? 1_000_000)
export const BATCH_EVENTS = 100
export const CONNECTIONS = Array.from({ length: 20 }, (_, index) => `connection-${index}`)
export const SPAN_MS = 300_000
const GATEWAYS = 4
const MODELS = ['gpt-4o', 'gpt-4o-mini', 'gpt-5', 'text-embedding-3-small']
const API_KEYS = 10
const REQUEST_LIMIT = 10_000_000

/**
 * Generates the batches of all gateways in the order of their events, which end one after another for five minutes from
 * `fromMs`.
 */
function* traffic(fromMs: number): Generator<ResponseBatch> {
  const lastBatches = new Array<number>(GATEWAYS).fill(0)
  const batches = Math.ceil(EVENTS / BATCH_EVENTS)
  for (let index = 0; index < batches; index++) {
    const gateway = index % GATEWAYS
    const batch = (lastBatches[gateway] ?? 0) + 1
    lastBatches[gateway] = batch
    const first = index * BATCH_EVENTS
    const length = Math.min(BATCH_EVENTS, EVENTS - first)
    yield {
      connectionId: CONNECTIONS[index % CONNECTIONS.length] ?? '',
      provider: 'openai',
      gateway: `gateway-${gateway}`,
      batch,
      events: Array.from({ length }, (_, offset) => event(first + offset, fromMs)),
    }
  }
}

/** Adds a batch to the sums of what was sent. */
function addTo(sent: Map<string, Map<string, Sent>>, { connectionId, events }: ResponseBatch): void {
  const models = sent.get(connectionId) ?? new Map<string, Sent>()
  sent.set(connectionId, models)
  for (const { model, outcome, usage, rateLimitHeaders, endedAtMs } of events) {
    const sums = models.get(model) ?? nothing()
    models.set(model, sums)
    sums.requests += 1
    sums.inputTokens += usage?.inputTokens ?? 0
    sums.outputTokens += usage?.outputTokens ?? 0
    sums.cachedInputTokens += usage?.cachedInputTokens ?? 0
    sums.reasoningTokens += usage?.reasoningTokens ?? 0
    sums.outcomes[outcome] = (sums.outcomes[outcome] ?? 0) + 1
    // Of responses with the same end time, the first counts.
    if (rateLimitHeaders === undefined || endedAtMs <= sums.newestAtMs) continue
    sums.newestAtMs = endedAtMs
    sums.remaining = Number(rateLimitHeaders['x-ratelimit-remaining-requests'])
  }
}

function nothing(): Sent {
  return {
    requests: 0,
    inputTokens: 0,
    outputTokens: 0,
    cachedInputTokens: 0,
    reasoningTokens: 0,
    outcomes: {},
    newestAtMs: 0,
    remaining: 0,
  }
}

function event(index: number, fromMs: number): ResponseEvent {
  const endedAtMs = fromMs + Math.floor((index / EVENTS) * SPAN_MS)
  const upstreamMs = 50 + ((index * 7_919) % 20_000) / 3
  const outcome = outcomeOf(index)
  const base = {
    requestId: `request-${index}`,
    startedAtMs: endedAtMs - Math.ceil(upstreamMs),
    endedAtMs,
    apiKeyId: `key-${index % API_KEYS}`,
    model: MODELS[Math.floor(index / 3) % MODELS.length] ?? '',
    outcome,
  }
  if (outcome === 'denied') return { ...base, deniedBy: index % 2 === 0 ? 'minute-requests' : 'day-tokens' }
  const upstream = {
    ...base,
    upstreamStatus: outcome === 'success' ? 200 : 400,
    timeToFirstByteMs: upstreamMs / 4,
    upstreamMs,
    rateLimitHeaders: {
      'x-ratelimit-limit-requests': String(REQUEST_LIMIT),
      'x-ratelimit-remaining-requests': String(REQUEST_LIMIT - 1 - index),
      'x-ratelimit-reset-requests': '6ms',
      'x-ratelimit-limit-tokens': '30000000',
      'x-ratelimit-remaining-tokens': String(29_000_000 - (index % 1_000)),
      'x-ratelimit-reset-tokens': '2s',
    },
    headersAtMs: endedAtMs,
  }
  if (outcome !== 'success') return upstream
  const usage = {
    inputTokens: 200 + (index % 1_001),
    outputTokens: 10 + (index % 307),
    cachedInputTokens: index % 101,
    reasoningTokens: index % 7,
  }
  return { ...upstream, usage }
}

/** Nine in ten succeed; the rest have all other outcomes. */
function outcomeOf(index: number): Outcome {
  return index % 10 === 0 ? (OTHERS[Math.floor(index / 10) % OTHERS.length] ?? 'denied') : 'success'
}

const OTHERS: readonly Outcome[] = ['client_error', 'upstream_429', 'upstream_error', 'timeout', 'aborted', 'denied']

/**
 * Publishes all traffic to the stream, each batch twice: the second time later and with another message id, as after
 * the stream's duplicate window, so that it is delivered twice. Returns what was sent, counted once.
 */
export async function publishTwice(bus: Bus, fromMs: number): Promise<SentByModel> {
  const sent = new Map<string, Map<string, Sent>>()
  const inProgress = new Set<Promise<void>>()
  const publish = async (batch: ResponseBatch, messageId: string): Promise<void> => {
    const publishing = publishToStream(bus, responses, [batch.connectionId], batch, messageId)
    inProgress.add(publishing)
    void publishing.finally(() => inProgress.delete(publishing))
    if (inProgress.size >= MAX_IN_PROGRESS) await Promise.race(inProgress)
  }

  const pending: ResponseBatch[] = []
  const republish = (batch: ResponseBatch) => publish(batch, `again-${batch.gateway}-${batch.batch}`)
  for (const batch of traffic(fromMs)) {
    addTo(sent, batch)
    await publish(batch, `${batch.gateway}-${batch.batch}`)
    pending.push(batch)
    const earlier = pending.length > BATCHES_BETWEEN ? pending.shift() : undefined
    if (earlier !== undefined) await republish(earlier)
  }
  for (const batch of pending) await republish(batch)
  await Promise.all(inProgress)
  return sent
}

const MAX_IN_PROGRESS = 32
const BATCHES_BETWEEN = 300
