import { setTimeout as sleep } from 'node:timers/promises'
import { discovered } from '@sluice/contracts'
import { type Bus, openBucket } from '@sluice/messaging'
import { pause } from '@sluice/service-kit'
import type { WatchedLimits } from './watched-limits.ts'

export interface FollowedDiscovered {
  stop(): void
}

/**
 * Has `limits` follow what is discovered from when a connection asks for it, so that it costs nothing before; resolves when all of it
 * is known, at once where no connection asks. Permits do not depend on discovery, which makes that bucket: where it is not
 * there in half a second, resolves all the same, and it is followed from when it is.
 */
export async function followDiscovered(
  bus: Bus,
  limits: Pick<WatchedLimits, 'followDiscovered' | 'enforcing' | 'isEnforcing'>,
  onFault: (error: unknown) => void,
): Promise<FollowedDiscovered> {
  const stopping = new AbortController()
  const follow = async (): Promise<void> => {
    await limits.enforcing
    while (!stopping.signal.aborted) {
      try {
        return await limits.followDiscovered(await openBucket(bus, discovered))
      } catch (error) {
        if (stopping.signal.aborted) return
        onFault(error)
        await pause(AGAIN_MS, stopping.signal)
      }
    }
  }
  const following = follow()
  if (limits.isEnforcing()) await Promise.race([following, sleep(WITHIN_MS)])
  return { stop: () => stopping.abort() }
}

const WITHIN_MS = 500
const AGAIN_MS = 1_000
