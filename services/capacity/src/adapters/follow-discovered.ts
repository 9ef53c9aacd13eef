import { setTimeout as sleep } from 'node:timers/promises'
import { discovered } from '@sluice/contracts'
import { type Bus, openBucket } from '@sluice/messaging'
import type { WatchedLimits } from './watched-limits.ts'

export interface FollowedDiscovered {
  stop(): void
}

/**
 * Has `limits` follow what is discovered; resolves when all of it is known. Permits do not depend on discovery, which makes that
 * bucket: where it is not there in half a second, resolves all the same, and it is followed from when it is.
 */
export async function followDiscovered(
  bus: Bus,
  limits: Pick<WatchedLimits, 'followDiscovered'>,
  onFault: (error: unknown) => void,
): Promise<FollowedDiscovered> {
  const stopping = new AbortController()
  const follow = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        return await limits.followDiscovered(await openBucket(bus, discovered))
      } catch (error) {
        if (stopping.signal.aborted) return
        onFault(error)
        await sleep(AGAIN_MS)
      }
    }
  }
  await Promise.race([follow(), sleep(WITHIN_MS)])
  return { stop: () => stopping.abort() }
}

const WITHIN_MS = 500
const AGAIN_MS = 1_000
