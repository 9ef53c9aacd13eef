import { setTimeout as delay } from 'node:timers/promises'
import { capacityHealth, HEALTH_WRITE_MS, type ReplyOf } from '@sluice/contracts'
import { type Bus, NoReplyError, type Served, serve } from '@sluice/messaging'

type Health = ReplyOf<typeof capacityHealth>

/**
 * Serves `capacity.v1.health`: replies whether this instance can give permits, by writing where its counters live. Requests
 * that come during a write share its outcome.
 *
 * @param write stores something beside the counters; rejects when NATS does not confirm it
 */
export function serveHealth(
  bus: Bus,
  write: () => Promise<unknown>,
  onFault: (error: unknown, subject: string) => void,
): Served {
  let writing: Promise<Health> | undefined

  const written = async (): Promise<Health> => {
    try {
      await write()
      return { ready: true }
    } catch (error) {
      if (error instanceof NoReplyError) return UNCONFIRMED
      return { ready: false, reason: error instanceof Error ? error.message : String(error) }
    } finally {
      writing = undefined
    }
  }

  return serve(
    bus,
    capacityHealth,
    () => {
      writing ??= written()
      return Promise.race([writing, delay(HEALTH_WRITE_MS, UNCONFIRMED, { ref: false })])
    },
    { onFault },
  )
}

const UNCONFIRMED: Health = { ready: false, reason: 'NATS does not confirm that it stores counters' }
