import { OTHER_MODEL, type ResponseEvent } from '@sluice/contracts'

/**
 * The events of one connection that wait to be published. Requests that were never sent to the provider cost the application nothing, so
 * they may come in any number: those with the same counted attributes are summed in one event, a tally, and an API key's tallies name
 * at most {@link MAX_NAMES} models. {@link collect} closes the tallies; how often it is called bounds the events of refused requests.
 */
export class EventQueue {
  /** Oldest first. */
  readonly #events: ResponseEvent[] = []
  /** Summed since the last `collect`, by their counted attributes. */
  readonly #tallies = new Map<string, ResponseEvent>()
  /** The models that each API key's tallies name. */
  readonly #names = new Map<string, Set<string>>()

  /** How many events wait, tallies included. */
  get size(): number {
    return this.#events.length + this.#tallies.size
  }

  /** The events that can be published now. */
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

  /** Makes the tallies ready to be published. */
  collect(): void {
    this.#events.push(...this.#tallies.values())
    this.#tallies.clear()
    this.#names.clear()
  }

  /** Takes the oldest `count` events that are ready. */
  take(count: number): ResponseEvent[] {
    return this.#events.splice(0, count)
  }

  /** Drops the oldest events, tallies last, until at most `count` remain. Returns the dropped events. */
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

/** Returns how many requests an event stands for. */
export function requestsOf({ requests = 1 }: ResponseEvent): number {
  return requests
}

/** Models of one API key between two calls of `collect`; an application uses fewer at a time. */
export const MAX_NAMES = 20
const MINUTE_MS = 60_000

/** Returns whether the event has no data beyond its counted attributes. */
function isUnsent({ outcome, upstreamMs, upstreamStatus, usage }: ResponseEvent): boolean {
  return outcome !== 'success' && (upstreamMs ?? upstreamStatus ?? usage) === undefined
}
