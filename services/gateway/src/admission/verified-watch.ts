import { setTimeout as sleep } from 'node:timers/promises'
import type { Bucket, BucketState, Bus, Watch, WatchOptions } from '@sluice/messaging'
import { type Logger, outageLog } from '@sluice/service-kit'
import type { CaughtUp } from '../ports.ts'
import { createCatchUp } from './catch-up.ts'

export interface VerifiedWatchOptions<Value> extends WatchOptions<Value> {
  /** A name for what the bucket holds, for the log. */
  readonly what: string
  /** The time for which the entries count as current without a further verification. */
  readonly maxAgeMs: number
  readonly logger: Pick<Logger, 'debug' | 'info' | 'warn'>
}

/** A watch that knows whether it still receives what is written. */
export interface VerifiedWatch extends Pick<Watch, 'stop'> {
  /** Returns whether everything was received that had been written `maxAgeMs` ago. */
  isCurrent(): boolean
  /**
   * Resolves when everything was received that had been written when it was called, or after a second; at once if too many callers wait. Never
   * rejects.
   */
  catchUp(): Promise<CaughtUp>
}

/**
 * Follows a bucket, and verifies every few seconds that it still does: it requests the sequence of the last entry, which no clock changes, from
 * the leader of the bucket's stream over the same connection. That entry must have been received. A connection that is lost or silent, a
 * JetStream without a leader and a bucket that was removed are no verification. A watch that receives nothing any more, or follows what was
 * another bucket, begins again.
 */
export async function verifiedWatch<Value>(
  bus: Bus,
  bucket: Bucket<Value>,
  { what, maxAgeMs, logger, onEntry, onFault }: VerifiedWatchOptions<Value>,
): Promise<VerifiedWatch> {
  const outage = outageLog(logger, {
    begins: `it cannot be verified that ${what} are current`,
    ends: `${what} are current again`,
  })
  let verifiedAtMs = performance.now()
  let checks = 0
  let checkingSinceMs: number | undefined
  let isFollowing = true
  /** The bucket's state before the watch last began: its entries were received, unless one cannot be read or was removed. */
  let begunAt = await bucket.state()
  const watch = await bucket.watch({ onEntry, onFault })

  const beginAgain = async (state: BucketState): Promise<void> => {
    isFollowing = false
    await watch.restart()
    begunAt = state
    isFollowing = true
  }

  const hasReported = (revision: number) => Math.max(watch.revision(), begunAt.lastRevision) >= revision

  const verify = async (): Promise<void> => {
    const reported = watch.revision()
    const state = await bucket.state()
    // Another bucket in its place, or an older copy of it.
    const isAnother = state.createdAtMs !== begunAt.createdAtMs || state.lastRevision < reported
    if (!isFollowing || isAnother) return beginAgain(state)
    // What was stored a moment ago may be on its way.
    if (!hasReported(state.lastRevision)) await sleep(ON_ITS_WAY_MS)
    if (!hasReported(state.lastRevision)) await beginAgain(state)
  }

  const catchUp = createCatchUp({
    sync: async () => {
      if (!bus.isConnected()) return
      const { lastRevision } = await bucket.state()
      const untilMs = performance.now() + ON_ITS_WAY_MS
      while (!hasReported(lastRevision) && performance.now() < untilMs) await sleep(LOOK_EVERY_MS)
    },
    // The checks log once that it cannot be verified.
    onFault: (err) => logger.debug({ err, what }, 'what was written last could not be read'),
  })

  const check = async (): Promise<void> => {
    if (!bus.isConnected()) return
    const mine = ++checks
    const askedAtMs = performance.now()
    checkingSinceMs = askedAtMs
    try {
      await verify()
      if (mine !== checks) return
      verifiedAtMs = askedAtMs
      outage.success()
    } catch (error) {
      if (mine === checks) outage.fault(error)
    } finally {
      if (mine === checks) checkingSinceMs = undefined
    }
  }

  const ticks = setInterval(
    () => {
      if (checkingSinceMs === undefined || performance.now() - checkingSinceMs > GIVE_UP_MS) void check()
    },
    Math.min(CHECK_EVERY_MS, maxAgeMs / CHECKS_PER_AGE),
  )
  // Requests over the connection that was lost get no reply any more.
  const forgetListener = bus.onReconnect(() => void check())
  return {
    isCurrent: () => performance.now() - verifiedAtMs <= maxAgeMs,
    catchUp,
    stop: () => {
      checks++
      clearInterval(ticks)
      forgetListener()
      watch.stop()
    },
  }
}

const CHECK_EVERY_MS = 5_000
const CHECKS_PER_AGE = 4
const ON_ITS_WAY_MS = 250
const LOOK_EVERY_MS = 2
/** A check that takes longer gives way to another. */
const GIVE_UP_MS = 30_000
