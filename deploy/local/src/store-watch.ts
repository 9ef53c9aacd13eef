import { setTimeout as delay } from 'node:timers/promises'
import { defineBucket } from '@sluice/contracts'
import { connectBus, openBucket } from '@sluice/messaging'
import { Type } from 'typebox'
import { describeSpace, readDiskSpace } from './disk-space.ts'
import { WARN } from './server-log.ts'
import { createStoreHealth, type ProbeResult } from './store-health.ts'

/** Holds one key, which every probe writes. */
const storeProbe = defineBucket({ name: 'store-probe', value: Type.String(), expiryMs: 60_000 })

/** More than a block of the usual file systems: a smaller one may fit into the last block of a file on a full disk. */
const PROBE_BYTES = 8_192
const PROBE_TIMEOUT_MS = 3_000
const PROBE_INTERVAL_MS = 5_000
/** The next probe follows a failed one soon: a few failures in a row are meaningful. */
const FAILED_PROBE_INTERVAL_MS = 1_000
const SPACE_INTERVAL_MS = 1_000

export interface StoreWatchOptions {
  readonly url: string
  /** Of the user `operator`. */
  readonly password: string
  /** The store's folder. */
  readonly dataDir: string
  /** Writes a log line at a level of pino's. */
  readonly say: (level: number, message: string) => void
  /** Called once, when the server can recover only by a restart. */
  readonly onMustRestart: () => void
}

export interface StoreWatch {
  /** Takes a line of the server's log, and returns whether it repeats that the disk is full. */
  line(text: string): boolean
  stop(): void
}

/**
 * Watches whether a nats-server stores: reads the disk's free space every second, writes through the server every
 * five, and reads its log. Reports when space gets low and when the disk is full, and requests a restart once there is
 * space again.
 */
export function watchStore({ url, password, dataDir, say, onMustRestart }: StoreWatchOptions): StoreWatch {
  const health = createStoreHealth(dataDir, say)
  const stopped = new AbortController()

  async function watchSpace(): Promise<void> {
    while (!stopped.signal.aborted) {
      const space = await readDiskSpace(dataDir)
      if (health.space(space) && !stopped.signal.aborted) {
        say(
          WARN,
          `There is space again (${describeSpace(dataDir, space)}): restarting NATS, which does not recover by itself`,
        )
        stopped.abort()
        onMustRestart()
      }
      await pause(SPACE_INTERVAL_MS)
    }
  }

  async function probeRepeatedly(): Promise<void> {
    const login = { user: 'operator', password }
    const bus = await connectBus({ servers: url, name: 'store watch', jetstreamTimeoutMs: PROBE_TIMEOUT_MS, ...login })
    const payload = 'x'.repeat(PROBE_BYTES)
    const probe = async (): Promise<ProbeResult> => {
      try {
        const bucket = await openBucket(bus, storeProbe)
        await bucket.put('probe', payload)
        return { status: 'stored' }
      } catch (error) {
        return { status: 'failed', reason: error instanceof Error ? error.message : String(error) }
      }
    }
    while (!stopped.signal.aborted) {
      const result = await probe()
      health.probed(result)
      await pause(result.status === 'stored' ? PROBE_INTERVAL_MS : FAILED_PROBE_INTERVAL_MS)
    }
    await bus.close()
  }

  const pause = (ms: number) => delay(ms, undefined, { signal: stopped.signal, ref: false }).catch(() => undefined)
  // Neither failure may end the server: what it serves matters more than the watch.
  for (const watch of [watchSpace, probeRepeatedly]) {
    watch().catch((error: unknown) => say(WARN, `Watching the store failed: ${String(error)}`))
  }
  return { line: (text) => health.line(text), stop: () => stopped.abort() }
}
