/** npm passes Ctrl-C on to its script, which the terminal has already given it: the same key press comes twice. */
const SAME_KEY_PRESS_MS = 500

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

export interface StopHandlers {
  readonly onStop: () => void
  readonly onForce: () => void
}

export interface SignalSource {
  on(signal: (typeof SIGNALS)[number], listener: () => void): unknown
}

/**
 * Calls `onStop` at the first Ctrl-C, SIGTERM, or when the terminal dies, and `onForce` at any of them after that.
 * @param nowMs milliseconds of a clock that never goes back
 */
export function onStopSignals(
  { onStop, onForce }: StopHandlers,
  source: SignalSource = process,
  nowMs: () => number = () => performance.now(),
): void {
  let stoppingSinceMs: number | undefined
  for (const signal of SIGNALS) {
    source.on(signal, () => {
      if (stoppingSinceMs === undefined) {
        stoppingSinceMs = nowMs()
        onStop()
      } else if (nowMs() - stoppingSinceMs > SAME_KEY_PRESS_MS) {
        onForce()
      }
    })
  }
}
