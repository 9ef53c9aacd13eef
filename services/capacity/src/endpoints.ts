import { setTimeout as delay } from 'node:timers/promises'
import {
  capacityHealth,
  capacityStatus,
  HEALTH_WRITE_MS,
  instancePermitBatch,
  permitBatch,
  type ReplyOf,
} from '@sluice/contracts'
import { type Bus, NoReplyError, NoRespondersError, type Served, serve } from '@sluice/messaging'
import type { Clock } from './commit/clock.ts'
import type { ConnectionCounters } from './commit/connection-counters.ts'

/** Serves exchanges, to this instance and to any, and the status. The function returned stops taking and answers what is taken. */
export function servePermits(
  bus: Bus,
  counters: ConnectionCounters,
  instance: string,
  onFault: (error: unknown, subject: string) => void,
): () => Promise<void> {
  const served = [
    serve(bus, permitBatch, (request, [connectionId = '']) => counters.apply(connectionId, request), { onFault }),
    serve(bus, instancePermitBatch, (request, [connectionId = '']) => counters.apply(connectionId, request), {
      onFault,
      identifiers: [instance],
    }),
    serve(bus, capacityStatus, (_request, [connectionId = '']) => counters.status(connectionId), { onFault }),
  ]
  return async () => {
    await Promise.all(served.map((each) => each.stop()))
  }
}

type Health = ReplyOf<typeof capacityHealth>

/**
 * Serves `capacity.v1.health`: replies whether this instance can give permits, by writing where its counters live. Requests
 * within {@link SHARED_MS} share a write: it costs the store the same whether one gateway asks or fifty.
 *
 * @param write stores something beside the counters; rejects when NATS does not confirm it, or does not give it back
 */
export function serveHealth(
  bus: Bus,
  write: () => Promise<unknown>,
  clock: Clock,
  onFault: (error: unknown, subject: string) => void,
): Served {
  let writing: Promise<Health> | undefined

  const written = async (): Promise<Health> => {
    try {
      await write()
      return { ready: true }
    } catch (error) {
      if (error instanceof NoReplyError || error instanceof NoRespondersError) return UNCONFIRMED
      return { ready: false, reason: error instanceof Error ? error.message : String(error) }
    }
  }
  const writtenLately = (): Promise<Health> => {
    if (writing === undefined) {
      writing = written()
      const forget = () => {
        writing = undefined
      }
      void writing.then(() => setTimeout(forget, SHARED_MS).unref())
    }
    return writing
  }

  return serve(
    bus,
    capacityHealth,
    async () => {
      const health = await Promise.race([writtenLately(), delay(HEALTH_WRITE_MS, UNCONFIRMED, { ref: false })])
      return { ...health, clockMs: clock.nowMs() }
    },
    { onFault },
  )
}

/** Where its file system refuses a write, nats-server sends the publisher no reply, or stops serving the stream. */
const UNCONFIRMED: Health = {
  ready: false,
  reason: 'NATS does not confirm that it stores counters: its log says why, such as a full disk',
}
const SHARED_MS = 300
