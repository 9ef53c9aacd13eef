/** npm passes Ctrl-C on to its script, which the terminal has already given it: the same key press comes twice. */
const SAME_KEY_PRESS_MS = 500

/**
 * Calls `onStop` at the first Ctrl-C, SIGTERM, or when the terminal dies, and `onForce` when somebody presses Ctrl-C again.
 */
export function onStopSignals({ onStop, onForce }: { onStop: () => void; onForce: () => void }): void {
  let stoppingSinceMs: number | undefined
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (stoppingSinceMs === undefined) {
        stoppingSinceMs = performance.now()
        onStop()
      } else if (signal === 'SIGINT' && performance.now() - stoppingSinceMs > SAME_KEY_PRESS_MS) {
        onForce()
      }
    })
  }
}
