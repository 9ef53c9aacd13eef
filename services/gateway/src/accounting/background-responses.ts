import { createHash, randomUUID } from 'node:crypto'
import { type BackgroundResponse, backgroundResponses } from '@sluice/contracts'
import { type Bucket, type Bus, openBucket, UnreadableEntryError } from '@sluice/messaging'
import type { PartialUsage } from '@sluice/providers'
import { type Logger, within } from '@sluice/service-kit'
import { type BackgroundCharge, type Beyond, beyondCharge } from './background-charge.ts'

/**
 * What was charged for responses that providers make in the background, shared by all gateways: what such a response really used is reported
 * later, as often as anybody asks, to whichever gateway.
 */
export interface BackgroundResponses {
  /** Keeps what was charged for a response that has begun. Costs no time, and never throws. */
  remember(connectionId: string, responseId: string, charge: BackgroundCharge): void
  /**
   * Returns what a response has used beyond all that was charged and recorded for it so far, and takes it as charged and recorded: no other
   * call gets it, whatever gateway it comes from. Undefined where there is nothing, the response is not known, or that cannot be told within
   * seconds. Never rejects.
   */
  report(connectionId: string, responseId: string, usage: PartialUsage): Promise<Beyond | undefined>
}

export interface BackgroundResponseStore extends BackgroundResponses {
  /** Resolves when all that was handed in is stored and all reports are done, after `deadlineMs` at the latest. */
  stop(deadlineMs: number): Promise<void>
}

/**
 * Keeps responses that are made in the background in NATS, a key each. Whoever has an entry's compare-and-set succeed has what it adds,
 * so that each token is charged once, however many gateways are asked at a time. Nothing is opened before there is such a response.
 */
export function backgroundResponseStore(bus: Bus, logger: Pick<Logger, 'warn'>): BackgroundResponseStore {
  const underWay = new Set<Promise<unknown>>()
  /** By key: responses that are not stored yet. */
  const storing = new Map<string, Promise<void>>()
  let opening: Promise<Bucket<BackgroundResponse>> | undefined

  const open = async (): Promise<Bucket<BackgroundResponse>> => {
    if (!bus.isConnected()) throw new Error('NATS is away')
    opening ??= openBucket(bus, backgroundResponses).catch((error: unknown) => {
      opening = undefined
      throw error
    })
    if (!(await within(DEADLINE_MS, opening))) throw new Error(`not open within ${DEADLINE_MS} ms`)
    return opening
  }

  const tracked = <T>(work: Promise<T>): Promise<T> => {
    underWay.add(work)
    void work.finally(() => underWay.delete(work))
    return work
  }

  const update = async (key: string, reported: PartialUsage): Promise<Beyond | undefined> => {
    await storing.get(key)
    const bucket = await open()
    const untilMs = performance.now() + DEADLINE_MS
    let written: { readonly by: string; readonly beyond: Beyond } | undefined
    let lastError: unknown
    while (performance.now() < untilMs) {
      try {
        const { value: kept, revision } = await bucket.get(key)
        // A write that got no reply took place all the same.
        if (written !== undefined && kept?.writtenBy === written.by) return written.beyond
        const found = kept && beyondCharge(kept, reported)
        if (found === undefined) return undefined
        written = { by: randomUUID(), beyond: found.beyond }
        const result = await bucket.update(key, { ...found.kept, writtenBy: written.by }, revision)
        if (result.status === 'stored') return found.beyond
        // Another report came first: what it left is looked at.
        written = undefined
      } catch (error) {
        if (!bus.isConnected() || error instanceof UnreadableEntryError) throw error
        lastError = error
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS))
      }
    }
    throw lastError ?? new Error('others kept changing it')
  }

  return {
    remember: (connectionId, responseId, charge) => {
      const key = keyOf(connectionId, responseId)
      const work = tracked(
        open()
          // What is there already was begun by an earlier request of the same name.
          .then(async (bucket) => void (await bucket.update(key, { ...charge, writtenBy: randomUUID() }, 0)))
          .catch((err: unknown) => {
            logger.warn(
              { err, connectionId, responseId },
              `a response in the background is not known to gateways: ${UNDER}`,
            )
          })
          .finally(() => storing.delete(key)),
      )
      storing.set(key, work)
    },
    report: (connectionId, responseId, usage) =>
      tracked(
        update(keyOf(connectionId, responseId), usage).catch((err: unknown) => {
          logger.warn(
            { err, connectionId, responseId },
            `a response in the background could not be looked up: ${UNDER}`,
          )
          return undefined
        }),
      ),
    stop: async (deadlineMs) => {
      // What is not done by then is lost with the process, as if it had been killed.
      await within(deadlineMs, Promise.allSettled(underWay))
    },
  }
}

/** Ids are the provider's, of any length and kind; only who has one can find its entry. */
function keyOf(connectionId: string, responseId: string): string {
  return createHash('sha256').update(`${connectionId}\0${responseId}`).digest('hex')
}

const UNDER = 'what it uses beyond what was reserved for it is not charged'
const DEADLINE_MS = 5_000
const AGAIN_MS = 50
