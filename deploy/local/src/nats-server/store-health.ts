import { bytesText, type DiskSpace, describeSpace, enoughBytes, isEnough, isLow, lowBytes } from '../disk-space.ts'

const INFO = 30
const WARN = 40
const ERROR = 50

/** What nats-server logs, and 2.9 replies to its client, when a write failed with ENOSPC. */
const OUT_OF_STORAGE = /no space left on device/i

/** One failed probe may be a busy machine; as many as this in a row are worth a line. */
const FAILED_PROBES = 3

/** What a probe came to: stored, or why not. */
export type ProbeResult = { readonly status: 'stored' } | { readonly status: 'failed'; readonly reason: string }

/**
 * What is known of a server's store: whether the disk is getting full, whether writes fail for it, and whether the server
 * needs a restart. Pure but for the log lines that it has written.
 *
 * A server to which the disk was full once does not recover when there is space again: from the first failed write on,
 * nats-server 2.15 refuses every write to that stream, and 2.9 hangs some ten seconds later. A stream whose file had room left in
 * its last block goes on storing, so that one stream's success says nothing of the others': the server's log tells.
 */
export interface StoreHealth {
  /** Takes a line of the server's log, and returns whether it is one of many that say the same of a full disk. */
  line(text: string): boolean
  probed(result: ProbeResult): void
  /** Takes the space there is now, and returns whether the server is to be restarted. */
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

  /** Returns whether it was known already. */
  function outOfStorage(): boolean {
    const wasFull = full
    full = true
    return wasFull
  }

  function reportLow(space: DiskSpace): void {
    if (isLow(space, low) === low) return
    low = !low
    const room = describeSpace(path, space)
    const warning = `Disk space is low: ${room}, less than ${bytesText(lowBytes(space))}. Requests get 503 once it is full.`
    if (low) say(WARN, warning)
    else say(INFO, `Disk space is no longer low: ${room}`)
  }

  /** Not when the write fails, but with the space that there is right after. */
  function reportFull(space: DiskSpace): void {
    if (!full || isFullReported) return
    isFullReported = true
    say(
      ERROR,
      `The disk is full: NATS stores nothing, and requests get 503. ${describeSpace(path, space)}; free ` +
        `${bytesText(enoughBytes(space))} at least: NATS is then restarted by itself, and requests are served again.`,
    )
  }

  return {
    line: (text) => OUT_OF_STORAGE.test(text) && outOfStorage(),
    probed: (result) => {
      if (result.status === 'failed' && OUT_OF_STORAGE.test(result.reason)) outOfStorage()
      failedProbes = result.status === 'stored' ? recovered(failedProbes) : failedProbes + 1
      // 2.9 may hang on a full disk, also when it was full for a moment, before it has logged a failed write.
      if (failedProbes >= FAILED_PROBES && wasWithoutSpace) full = true
      if (result.status === 'failed' && failedProbes === FAILED_PROBES && !full) {
        say(ERROR, `NATS has not stored what was written as a probe, ${FAILED_PROBES} times in a row: ${result.reason}`)
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
