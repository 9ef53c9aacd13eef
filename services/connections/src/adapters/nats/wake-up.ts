/** Lets one loop sleep until something happens. */
export interface WakeUp {
  wake(): void
  /** Resolves after `ms` milliseconds, or at once when `wake` is called, or was since the last sleep. */
  sleep(ms: number): Promise<void>
}

export function createWakeUp(): WakeUp {
  let isAwake = false
  let resolveSleep: (() => void) | undefined
  return {
    wake: () => {
      isAwake = true
      resolveSleep?.()
    },
    sleep: async (ms) => {
      if (!isAwake) {
        const { promise, resolve } = Promise.withResolvers<void>()
        resolveSleep = resolve
        const timer = setTimeout(resolve, ms)
        await promise
        clearTimeout(timer)
        resolveSleep = undefined
      }
      isAwake = false
    },
  }
}
