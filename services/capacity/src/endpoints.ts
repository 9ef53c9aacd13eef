/** Capacity's endpoints on NATS: permit batches, status and health. */
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

/**
 * Serves permit batches, to this instance and to any instance, and the status. The returned function stops taking
 * requests and resolves when those taken have their replies.
 */
export function servePermits(
  bus: Bus,
  counters: ConnectionCounters,
  instance: string,
  onFault: (error: unknown, subject: string) => void,
): () => Promise<void> {
  const served = [
    serve(bus, permitBatch, (batch, [connectionId]) => counters.apply(connectionId, batch), { onFault }),
    serve(bus, instancePermitBatch, (batch, [, connectionId]) => counters.apply(connectionId, batch), {
      onFault,
      identifiers: [instance],
    }),
    serve(bus, capacityStatus, (_request, [connectionId]) => counters.status(connectionId), { onFault }),
  ]
  return async () => {
    await Promise.all(served.map((each) => each.stop()))
  }
}

type Health = ReplyOf<typeof capacityHealth>

/**
 * Serves `capacity.v1.health`: whether this instance can give permits, found out by a write beside the counters.
 * Requests within {@link SHARED_MS} share a write, so that it costs the store the same for one gateway or fifty.
 *
 * @param write stores something beside the counters; rejects when NATS does not confirm it or does not return it
 */
export function serveHealth(
  bus: Bus,
  write: () => Promise<unknown>,
  clock: Clock,
  onFault: (error: unknown, subject: string) => void,
): Served {
  let writing: Promise<Health> | undefined

  const probe = async (): Promise<Health> => {
    try {
      await write()
      return { ready: true }
    } catch (error) {
      if (error instanceof NoReplyError || error instanceof NoRespondersError) return UNCONFIRMED
      return { ready: false, reason: error instanceof Error ? error.message : String(error) }
    }
  }
  const sharedProbe = (): Promise<Health> => {
    if (writing === undefined) {
      writing = probe()
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
      const health = await Promise.race([sharedProbe(), delay(HEALTH_WRITE_MS, UNCONFIRMED, { ref: false })])
      return { ...health, clockMs: clock.nowMs() }
    },
    { onFault },
  )
}

/** When its file system refuses a write, nats-server sends the publisher no reply, or stops serving the stream. */
const UNCONFIRMED: Health = {
  ready: false,
  reason: 'NATS does not confirm that it stores counters. Check its log: its disk may be full',
}
const SHARED_MS = 300
