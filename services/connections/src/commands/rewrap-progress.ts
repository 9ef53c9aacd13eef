import type { RewrapFailure, RewrapProgress } from '../keys/rewrap-data-keys.ts'

export interface ProgressPrinter {
  /** Prints the progress, at most four times a second. */
  show(progress: RewrapProgress): void
  /** Prints the last line, without that limit. */
  end(progress: RewrapProgress): void
}

/** Prints one line that is overwritten on a terminal, and a line each elsewhere. */
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

/** `412 of 500 data keys rewrapped, 3 failed` */
export function progressLine({ rewrapped, failures, total }: RewrapProgress): string {
  // More than the total when the service has added some meanwhile.
  const all = Math.max(total, rewrapped + failures.length)
  return `${rewrapped} of ${all} data keys rewrapped, ${failures.length} failed`
}

/** `connection 0199… version 3: the stored secret cannot be opened: …` */
export function failureLine({ owner, reason }: RewrapFailure): string {
  const what = owner === 'sealing-key' ? 'the sealing key' : `connection ${owner.connectionId} version ${owner.version}`
  return `${what}: ${reason.message}`
}
