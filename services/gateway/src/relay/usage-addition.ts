import { createHash } from 'node:crypto'
import type { Clock } from '../ports.ts'
import type { InspectedCall } from './call.ts'
import type { ErrorResponse } from './held-error.ts'

/** A model that has refused the request for usage, with no stream accepted since that had it. */
interface Refusing {
  /** Streams that were refused with it, and not for it without. */
  refusals: number
  /** The first of them. */
  readonly request: string
  /** Set once the refusals are confirmed: streams then go without, but for one at a time that tries it again. */
  without?: { tries: number; nextTryAtMs: number; streams: number }
}

interface Known {
  /** The connection's: any change of it begins again. */
  readonly version: number
  readonly models: Map<string, Refusing>
}

/** The connection that a request goes to, as it is now. */
export interface ConnectionVersion {
  readonly id: string
  readonly version: number
}

/**
 * Remembers which models refuse the request for usage that the gateway adds to streams (`stream_options`), until their connection changes. A
 * request may be refused for another reason, so two different requests have to be refused with none accepted between them. An accepted one
 * clears the memory. It is tried again after a minute, then less often, by one stream in {@link STREAMS_PER_TRY} at most. Bounded, as
 * applications name the models.
 */
export class StreamUsageRefusals {
  readonly #byConnection = new Map<string, Known>()

  /**
   * Returns whether a stream that leaves now requests its usage. Call it for each departure: one of the streams that go without may be the next
   * try.
   */
  requestsUsage(connection: ConnectionVersion, model: string, nowMs: number): boolean {
    const without = this.#of(connection)?.models.get(model)?.without
    if (without === undefined) return true
    const isDue = nowMs >= without.nextTryAtMs && (without.tries === 0 || without.streams >= STREAMS_PER_TRY)
    without.streams++
    // Should nothing come of this try, the next one has its time already.
    if (isDue) this.#setNextTry(without, nowMs)
    return isDue
  }

  /** Notes a stream that was accepted with the request for usage. */
  accepted(connection: ConnectionVersion, model: string): void {
    this.#of(connection)?.models.delete(model)
  }

  /**
   * Notes a stream that was refused with the request for usage, and without it accepted or refused for something else.
   * @param request distinguishes requests
   */
  refused({ id, version }: ConnectionVersion, model: string, request: string, nowMs: number): void {
    const before = this.#byConnection.get(id)
    // A response to what was sent before a change says nothing of what is there now.
    if (before !== undefined && before.version > version) return
    const known = before?.version === version ? before : { version, models: new Map<string, Refusing>() }
    const refusing = known.models.get(model) ?? { refusals: 0, request }
    refusing.refusals++
    const isConfirmed = refusing.request !== request || refusing.refusals >= ENOUGH_OF_ONE
    if (isConfirmed) refusing.without ??= { tries: 0, nextTryAtMs: nowMs + FIRST_TRY_MS, streams: 0 }
    known.models.delete(model)
    known.models.set(model, refusing)
    keepNewest(known.models, MAX_MODELS)
    this.#byConnection.delete(id)
    this.#byConnection.set(id, known)
    keepNewest(this.#byConnection, MAX_CONNECTIONS)
  }

  #of({ id, version }: ConnectionVersion): Known | undefined {
    const known = this.#byConnection.get(id)
    return known?.version === version ? known : undefined
  }

  #setNextTry(without: NonNullable<Refusing['without']>, nowMs: number): void {
    without.tries++
    without.streams = 0
    without.nextTryAtMs = nowMs + Math.min(FIRST_TRY_MS * 2 ** without.tries, MAX_TRY_MS)
  }
}

function keepNewest(map: Map<string, unknown>, most: number): void {
  for (const oldest of map.keys()) {
    if (map.size <= most) return
    map.delete(oldest)
  }
}

/** The refusals of the same request that suffice if no other is sent. */
const ENOUGH_OF_ONE = 5
const FIRST_TRY_MS = 60_000
const MAX_TRY_MS = 960_000
const STREAMS_PER_TRY = 20
const MAX_MODELS = 50
const MAX_CONNECTIONS = 1_000

/** Looks at a response before the application gets it. */
export interface ResponseWatch {
  /** The response has a status below 400. */
  readonly accepted: () => void
  /** The response is an error that the application gets. */
  readonly rejected?: (error: ErrorResponse) => void
  /** Returns whether the application does not get this error: the request is to be sent again. */
  readonly takesOver?: (error: ErrorResponse) => boolean
}

export interface AdditionDeps {
  readonly streamUsage: StreamUsageRefusals
  readonly clock: Pick<Clock, 'elapsedMs'>
}

/**
 * Returns the call as it is sent now: with what the gateway has added to its body (`inspection.addsUsage`), or without it, where its model is
 * known to refuse it or the connection has turned it off. Decided when the request is sent, as it may have waited long for its permit.
 */
export function withAdditionDecided<C extends InspectedCall>({ streamUsage, clock }: AdditionDeps, call: C): C {
  const { inspection, connection } = call
  const { settings } = connection
  const addsUsage =
    settings.requestStreamUsage !== false && streamUsage.requestsUsage(settings, inspection.model, clock.elapsedMs())
  return inspection.addsUsage === addsUsage ? call : { ...call, inspection: { ...inspection, addsUsage } }
}

/**
 * Watches the response to a request to which the gateway has added a request for usage: where the provider refuses the addition, the
 * application does not get the response. Undefined where the provider never refuses it.
 */
export function additionWatch({ streamUsage }: AdditionDeps, call: InspectedCall): ResponseWatch | undefined {
  const { adapter, settings } = call.connection
  const { refusesAddition } = adapter
  if (refusesAddition === undefined) return undefined
  return {
    accepted: () => streamUsage.accepted(settings, call.inspection.model),
    takesOver: ({ status, body }) => refusesAddition(status, body),
  }
}

/**
 * Watches the response to a request that is sent again without the addition. The application gets it in any case; an error that does not name
 * the addition any more shows, as a success does, that the addition was refused.
 */
export function withoutAdditionWatch(
  { streamUsage, clock }: AdditionDeps,
  call: InspectedCall,
  body: Buffer,
): ResponseWatch {
  const { adapter, settings } = call.connection
  const refused = (): void => streamUsage.refused(settings, call.inspection.model, fingerprint(body), clock.elapsedMs())
  return {
    accepted: refused,
    rejected: ({ status, body: error }) => {
      if (ABOUT_BODY.has(status) && adapter.refusesAddition?.(status, error) !== true) refused()
    },
  }
}

/** Distinguishes requests by their length and their end: conversations grow at their end. */
function fingerprint(body: Buffer): string {
  const end = body.subarray(-FINGERPRINT_BYTES)
  return `${body.length} ${createHash('sha256').update(end).digest('base64')}`
}

const FINGERPRINT_BYTES = 64 * 1024
/** The statuses of errors for which a server has read the whole body. */
const ABOUT_BODY: ReadonlySet<number> = new Set([400, 422])
