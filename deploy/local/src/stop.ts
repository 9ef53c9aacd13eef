/** npm forwards Ctrl-C to its script, which the terminal has already sent it: the same key press arrives twice. */
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
 * Calls `onStop` at the first Ctrl-C, SIGTERM, or when the terminal closes, and `onForce` at any of them after that.
 * @param nowMs milliseconds of a monotonic clock
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

/** Resolves when the signal is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

/**
 * Settles as `work` does, or rejects with the signal's reason as soon as that is aborted. A result that comes after
 * that goes to `onLate`; a late failure is ignored.
 */
export async function unlessAborted<T>(
  signal: AbortSignal | undefined,
  work: Promise<T>,
  onLate: (result: T) => Promise<void>,
): Promise<T> {
  if (signal === undefined) return work
  const givenUp = Promise.withResolvers<never>()
  const abort = () => givenUp.reject(signal.reason)
  if (signal.aborted) abort()
  else signal.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([givenUp.promise, work])
  } catch (error) {
    if (signal.aborted) void work.then(onLate).catch(() => undefined)
    throw error
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
