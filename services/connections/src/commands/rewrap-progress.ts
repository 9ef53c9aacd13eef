import type { RewrapFailure, RewrapProgress } from '../keys/rewrap-data-keys.ts'

/** `412 of 500 data keys wrapped anew, 3 failed` */
export function progressLine({ rewrapped, failures, total }: RewrapProgress): string {
  // More than the total where the service added some meanwhile.
  const all = Math.max(total, rewrapped + failures.length)
  return `${rewrapped} of ${all} data keys wrapped anew, ${failures.length} failed`
}

/** `connection 0199… version 3: the stored secret cannot be opened: …` */
export function failureLine({ owner, reason }: RewrapFailure): string {
  const what = owner === 'sealing-key' ? 'the sealing key' : `connection ${owner.connectionId} version ${owner.version}`
  return `${what}: ${reason.message}`
}

export interface ProgressPrinter {
  /** Writes the progress, at most four times a second. */
  show(progress: RewrapProgress): void
  /** Writes the last line, whenever that is. */
  end(progress: RewrapProgress): void
}

/** One line that is written over on a terminal, and a line each elsewhere. */
export function progressPrinter(
  out: Pick<NodeJS.WriteStream, 'write' | 'isTTY'>,
  nowMs: () => number,
): ProgressPrinter {
  let shownAtMs = Number.NEGATIVE_INFINITY
  return {
    show: (progress) => {
      if (nowMs() - shownAtMs < INTERVAL_MS) return
      shownAtMs = nowMs()
      out.write(out.isTTY ? `\r${progressLine(progress)}` : `${progressLine(progress)}\n`)
    },
    end: (progress) => {
      out.write(`${out.isTTY ? '\r' : ''}${progressLine(progress)}\n`)
    },
  }
}

const INTERVAL_MS = 250
