import { progressLine } from './report.ts'
import type { RewrapProgress } from './rewrap-data-keys.ts'

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
