import type { IncomingMessage } from 'node:http'
import { isAccessToken, within } from '@sluice/service-kit'
import { type GatewayError, gatewayError } from '../http/gateway-error.ts'
import type { ApiKeys, CaughtUp, Connections } from '../ports.ts'
import type { Refused } from '../result.ts'
import { presentedKey } from './api-key.ts'

export interface CatchUpOptions {
  /** Resolves when everything is known that had been written when it was called. May reject, or take long. */
  readonly sync: () => Promise<void>
  readonly onFault: (error: unknown) => void
  /** The shortest time between the starts of two rounds, in milliseconds. */
  readonly minIntervalMs?: number
  /** The longest wait of each caller, in milliseconds: after that it goes on with what is known. */
  readonly withinMs?: number
  /** The most callers that wait at once; further ones get `busy`. */
  readonly maxWaiting?: number
}

/**
 * Returns a function that resolves when everything is known that had been written when it was called, or after a second; with
 * `busy`, at once, where too many wait already. It never rejects.
 * Callers share rounds: one that comes during a round waits for the next, as the one under way may have begun before its entry was written.
 * However many callers there are, NATS gets at most forty requests a second.
 */
export function createCatchUp({
  sync,
  onFault,
  minIntervalMs = 25,
  withinMs = 1_000,
  maxWaiting = 1_000,
}: CatchUpOptions): () => Promise<CaughtUp> {
  let next: PromiseWithResolvers<void> | undefined
  let waiting = 0
  let isRunning = false
  let startedAtMs = Number.NEGATIVE_INFINITY

  const runNext = (): void => {
    if (isRunning || next === undefined) return
    const leftMs = startedAtMs + minIntervalMs - performance.now()
    if (leftMs > 0) {
      isRunning = true
      setTimeout(() => {
        isRunning = false
        runNext()
      }, leftMs)
      return
    }
    const { resolve } = next
    next = undefined
    isRunning = true
    startedAtMs = performance.now()
    void within(withinMs, sync())
      .catch(onFault)
      .then(() => {
        isRunning = false
        resolve()
        runNext()
      })
  }

  return async () => {
    if (waiting >= maxWaiting) return 'busy'
    waiting++
    next ??= Promise.withResolvers()
    const { promise } = next
    runNext()
    // A round that is under way may take as long by itself.
    await within(withinMs, promise)
    waiting--
    return 'waited'
  }
}

/**
 * Returns whether a refusal may be wrong because the gateway does not know yet about a key or connection that was created, or allowed more,
 * a moment ago. A text whose checksum is not that of an API key was never created.
 */
export function mayBeOutdated({ error: { code } }: Refused, request: IncomingMessage, query: string): boolean {
  if (code !== 'invalid_api_key') return OUTDATED_CODES.has(code)
  const key = presentedKey(request.headers, query)
  return key !== undefined && isAccessToken(key, 'slc')
}

const OUTDATED_CODES: ReadonlySet<string> = new Set([
  'connection_not_found',
  'connection_forbidden',
  'connection_disabled',
])

/**
 * Resolves when this gateway knows every key and connection that had been created when it was called, or after a second. Resolves at once
 * with an error where too many requests wait for that already: a key that is not known yet must not be called invalid.
 */
export async function catchUp({
  apiKeys,
  connections,
}: {
  readonly apiKeys: Pick<ApiKeys, 'catchUp'>
  readonly connections: Pick<Connections, 'catchUp'>
}): Promise<GatewayError | undefined> {
  const [keys, others] = await Promise.all([apiKeys.catchUp(), connections.catchUp()])
  return keys === 'busy' || others === 'busy' ? TOO_MANY_UNKNOWN : undefined
}

const TOO_MANY_UNKNOWN = gatewayError(
  'unavailable',
  'Too many requests at once have a key or connection that this gateway does not know yet: try again in a second.',
)
