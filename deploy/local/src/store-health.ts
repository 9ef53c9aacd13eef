import { bytesText, type DiskSpace, describeSpace, enoughBytes, isEnough, isLow, lowBytes } from './disk-space.ts'
import { ERROR, INFO, WARN } from './server-log.ts'

/** In nats-server's log, and in the replies of 2.9, when a write failed with ENOSPC. */
const OUT_OF_STORAGE = /no space left on device/i

/** One failed probe may mean a busy machine; this many in a row are worth a line. */
const FAILED_PROBES = 3

/** The result of a probe. */
export type ProbeResult = { readonly status: 'stored' } | { readonly status: 'failed'; readonly reason: string }

/**
 * The state of a server's store: whether the disk is getting full, whether writes fail because of it, and whether the
 * server needs a restart. Pure, except that it passes on log lines.
 *
 * A server that met a full disk does not recover when there is space again: from the first failed write on,
 * nats-server 2.15 refuses every write to that stream, and 2.9 hangs some ten seconds later. A stream whose file has
 * room left in its last block continues to store, so a success of one stream says nothing about the others; the
 * server's log does.
 */
export interface StoreHealth {
  /** Takes a line of the server's log, and returns whether it repeats that the disk is full. */
  line(text: string): boolean
  /** Takes the result of a write to the store. */
  probed(result: ProbeResult): void
  /** Takes the current space, and returns whether the server must be restarted. */
  space(space: DiskSpace): boolean
}

/**
 * @param path of the store, for log lines
 * @param say writes a log line at a level of pino's
 */
export function createStoreHealth(path: string, say: (level: number, message: string) => void): StoreHealth {
  let low = false
  let full = false
  let isFullReported = false
  let wasWithoutSpace = false
  let failedProbes = 0

  /** Returns whether that was known already. */
  function outOfStorage(): boolean {
    const wasFull = full
    full = true
    return wasFull
  }

  function reportLow(space: DiskSpace): void {
    if (isLow(space, low) === low) return
    low = !low
    const room = describeSpace(path, space)
    const warning = `Disk space is low: ${room}, less than ${bytesText(lowBytes(space))}. Requests get 503 when it is full.`
    if (low) say(WARN, warning)
    else say(INFO, `Disk space is no longer low: ${room}`)
  }

  /** Reports with the next reading of the space, not at once when a write fails. */
  function reportFull(space: DiskSpace): void {
    if (!full || isFullReported) return
    isFullReported = true
    say(
      ERROR,
      `The disk is full: NATS stores nothing, and requests get 503. ${describeSpace(path, space)}; free at least ` +
        `${bytesText(enoughBytes(space))}: NATS then restarts by itself, and requests succeed again.`,
    )
  }

  return {
    line: (text) => OUT_OF_STORAGE.test(text) && outOfStorage(),
    probed: (result) => {
      if (result.status === 'failed' && OUT_OF_STORAGE.test(result.reason)) outOfStorage()
      failedProbes = result.status === 'stored' ? recovered(failedProbes) : failedProbes + 1
      // 2.9 may hang because of a disk that was full for a moment, before it logs a failed write.
      if (failedProbes >= FAILED_PROBES && wasWithoutSpace) full = true
      if (result.status === 'failed' && failedProbes === FAILED_PROBES && !full) {
        say(ERROR, `NATS did not store a probe ${FAILED_PROBES} times in a row: ${result.reason}`)
      }
    },
    space: (space) => {
      const hasSpace = isEnough(space)
      if (!hasSpace) wasWithoutSpace = true
      reportLow(space)
      reportFull(space)
      return full && hasSpace
    },
  }

  function recovered(failures: number): number {
    if (failures >= FAILED_PROBES) say(INFO, 'NATS stores again')
    return 0
  }
}
