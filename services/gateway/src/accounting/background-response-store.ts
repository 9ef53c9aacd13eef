import { createHash, randomUUID } from 'node:crypto'
import { type BackgroundResponse, backgroundResponses } from '@sluice/contracts'
import { type Bucket, type Bus, openBucket, UnreadableEntryError } from '@sluice/messaging'
import type { PartialUsage } from '@sluice/providers'
import { type Logger, within } from '@sluice/service-kit'
import { type AdditionalUsage, additionalUsage, type BackgroundCharge } from './background-charge.ts'

/**
 * The charges of background responses, shared by all gateways: the provider reports the actual usage of such a response later, whenever an
 * application requests it, through any gateway.
 */
export interface BackgroundResponses {
  /** Keeps what was charged for a response that has begun. Returns at once and never throws. */
  remember(connectionId: string, responseId: string, charge: BackgroundCharge): void
  /**
   * Claims the usage of a response that was not charged and recorded yet: no other call returns it, in this gateway or another. Undefined
   * if there is none, the response is unknown, or the store does not reply within seconds. Never rejects.
   */
  report(connectionId: string, responseId: string, usage: PartialUsage): Promise<AdditionalUsage | undefined>
}

export interface BackgroundResponseStore extends BackgroundResponses {
  /** Resolves when everything is stored and all reports are done, after `deadlineMs` at the latest. */
  stop(deadlineMs: number): Promise<void>
}

/**
 * Keeps each background response under a key in NATS. Only the gateway whose compare-and-set succeeds charges what a report adds, so that
 * each token is charged once, however many gateways handle reports at a time. The bucket is opened with the first such response.
 */
export function backgroundResponseStore(bus: Bus, logger: Pick<Logger, 'warn'>): BackgroundResponseStore {
  const inFlight = new Set<Promise<unknown>>()
  /** By key: responses that are not stored yet. */
  const storing = new Map<string, Promise<void>>()
  let opening: Promise<Bucket<BackgroundResponse>> | undefined

  const open = async (): Promise<Bucket<BackgroundResponse>> => {
    if (!bus.isConnected()) throw new Error('NATS is not connected')
    opening ??= openBucket(bus, backgroundResponses).catch((error: unknown) => {
      opening = undefined
      throw error
    })
    if (!(await within(DEADLINE_MS, opening))) throw new Error(`the bucket did not open within ${DEADLINE_MS} ms`)
    return opening
  }

  const tracked = <T>(work: Promise<T>): Promise<T> => {
    inFlight.add(work)
    void work.finally(() => inFlight.delete(work))
    return work
  }

  const update = async (key: string, reported: PartialUsage): Promise<AdditionalUsage | undefined> => {
    await storing.get(key)
    const bucket = await open()
    const untilMs = performance.now() + DEADLINE_MS
    let written: { readonly by: string; readonly additional: AdditionalUsage } | undefined
    let lastError: unknown
    while (performance.now() < untilMs) {
      try {
        const { value: kept, revision } = await bucket.get(key)
        // An earlier write took effect although its reply was lost.
        if (written !== undefined && kept?.writtenBy === written.by) return written.additional
        const found = kept && additionalUsage(kept, reported)
        if (found === undefined) return undefined
        written = { by: randomUUID(), additional: found.additional }
        const result = await bucket.update(key, { ...found.kept, writtenBy: written.by }, revision)
        if (result.status === 'stored') return found.additional
        // Another report came first: read again what is left.
        written = undefined
      } catch (error) {
        if (!bus.isConnected() || error instanceof UnreadableEntryError) throw error
        lastError = error
        await new Promise((resolve) => setTimeout(resolve, RETRY_AFTER_MS))
      }
    }
    throw lastError ?? new Error(`other gateways kept changing the entry for ${DEADLINE_MS} ms`)
  }

  return {
    remember: (connectionId, responseId, charge) => {
      const key = keyOf(connectionId, responseId)
      const work = tracked(
        open()
          // An existing entry is kept: an earlier request began a response with the same id.
          .then(async (bucket) => void (await bucket.update(key, { ...charge, writtenBy: randomUUID() }, 0)))
          .catch((err: unknown) => {
            logger.warn({ err, connectionId, responseId }, `a background response could not be stored: ${CONSEQUENCE}`)
          })
          .finally(() => storing.delete(key)),
      )
      storing.set(key, work)
    },
    report: (connectionId, responseId, usage) =>
      tracked(
        update(keyOf(connectionId, responseId), usage).catch((err: unknown) => {
          logger.warn({ err, connectionId, responseId }, `a background response could not be looked up: ${CONSEQUENCE}`)
          return undefined
        }),
      ),
    stop: async (deadlineMs) => {
      // Anything unfinished is lost with the process, as if it had been killed.
      await within(deadlineMs, Promise.allSettled(inFlight))
    },
  }
}

/** Hashes the provider's id, which may have any length and characters; only a holder of the id can find its entry. */
function keyOf(connectionId: string, responseId: string): string {
  return createHash('sha256').update(`${connectionId}\0${responseId}`).digest('hex')
}

const CONSEQUENCE = 'usage beyond its reservation is not charged'
const DEADLINE_MS = 5_000
const RETRY_AFTER_MS = 50
