import { OTHER_MODEL, type ResponseEvent } from '@sluice/contracts'

/**
 * How many of these events, from the first on, one message surely holds: one at least, {@link MAX_EVENTS} at most. Applications choose
 * the names of models, and providers their headers, so that they are not all of one length.
 */
export function eventsOfOneMessage(events: readonly ResponseEvent[]): number {
  let count = 0
  let bytes = 0
  for (const event of events) {
    bytes += mostBytesOf(event)
    if (count === MAX_EVENTS || (count > 0 && bytes > MAX_BYTES)) break
    count++
  }
  return count
}

/** About 350 kB, as events usually are. */
const MAX_EVENTS = 500
/** NATS takes messages of 1 MiB, unless it is told otherwise. */
const MAX_BYTES = 1_000_000
/** Of all that is as long in every event. */
const COMMON_BYTES = 500

/** Not less than the event has as JSON, at hardly any cost. */
function mostBytesOf({ model, requestId, rateLimitHeaders, rateLimits }: ResponseEvent): number {
  let headerChars = requestId.length
  for (const name in rateLimitHeaders)
    headerChars += name.length + (rateLimitHeaders[name]?.length ?? 0) + QUOTING_CHARS
  const readingChars = rateLimits === undefined ? 0 : JSON.stringify(rateLimits).length
  return COMMON_BYTES + model.length * CHAR_BYTES + headerChars * HEADER_CHAR_BYTES + readingChars * UNICODE_CHAR_BYTES
}

/** Of a UTF-16 code unit that is a control character: `\u0001`. */
const CHAR_BYTES = 6
/** Of one that is not, or is escaped already. */
const UNICODE_CHAR_BYTES = 3
/** Header values are Latin-1 without control characters: at most escaped, or two bytes of UTF-8. */
const HEADER_CHAR_BYTES = 2
/** Around a name and its value: quotes, a colon and a comma. */
const QUOTING_CHARS = 6

/**
 * The events of one connection that wait to be published. Requests that were not sent to the provider cost their sender nothing, so
 * that any number of them may come: those that are alike in all that is counted are added up in one event, and the names of models
 * that an API key makes up are told apart up to {@link MAX_NAMES} of them. {@link collect} ends the adding up; how often it is
 * called bounds the events that refused requests make.
 */
export class EventQueue {
  /** Oldest first. */
  readonly #events: ResponseEvent[] = []
  /** Added up since the last `collect`, by all that is counted. */
  readonly #tallies = new Map<string, ResponseEvent>()
  /** The models that each API key's tallies name. */
  readonly #names = new Map<string, Set<string>>()

  /** Events that wait, tallies included. */
  get size(): number {
    return this.#events.length + this.#tallies.size
  }

  /** Events that could be published now. */
  get ready(): readonly ResponseEvent[] {
    return this.#events
  }

  get hasTallies(): boolean {
    return this.#tallies.size > 0
  }

  add(event: ResponseEvent): void {
    if (isUnsent(event)) this.#tally(event)
    else this.#events.push(event)
  }

  /** Makes what was added up ready to be published. */
  collect(): void {
    this.#events.push(...this.#tallies.values())
    this.#tallies.clear()
    this.#names.clear()
  }

  /** Takes the oldest `count` of the events that are ready. */
  take(count: number): ResponseEvent[] {
    return this.#events.splice(0, count)
  }

  /** Drops the oldest events, tallies last, until at most `count` are left. Returns what was dropped. */
  dropTo(count: number): ResponseEvent[] {
    const excess = Math.max(0, this.size - count)
    const dropped = this.#events.splice(0, excess)
    for (const [key, tally] of this.#tallies) {
      if (dropped.length === excess) break
      this.#tallies.delete(key)
      dropped.push(tally)
    }
    return dropped
  }

  #tally(event: ResponseEvent): void {
    const { apiKeyId, outcome, deniedBy = '', endedAtMs } = event
    const model = this.#nameFor(apiKeyId, event.model)
    const minute = Math.floor(endedAtMs / MINUTE_MS)
    const key = `${minute}\0${outcome}\0${deniedBy}\0${apiKeyId}\0${model}`
    const tally = this.#tallies.get(key)
    if (tally === undefined) this.#tallies.set(key, { ...event, model })
    else tally.requests = requestsOf(tally) + requestsOf(event)
  }

  #nameFor(apiKeyId: string, model: string): string {
    const names = this.#names.get(apiKeyId) ?? new Set()
    if (names.has(model)) return model
    if (names.size >= MAX_NAMES) return OTHER_MODEL
    this.#names.set(apiKeyId, names.add(model))
    return model
  }
}

/** How many requests an event stands for. */
export function requestsOf({ requests = 1 }: ResponseEvent): number {
  return requests
}

/** Of one API key, between two calls of `collect`: more than an application asks for at a time. */
export const MAX_NAMES = 20
const MINUTE_MS = 60_000

/** Whether the event tells nothing but what it is counted under. */
function isUnsent({ outcome, upstreamMs, upstreamStatus, usage }: ResponseEvent): boolean {
  return outcome !== 'success' && (upstreamMs ?? upstreamStatus ?? usage) === undefined
}
