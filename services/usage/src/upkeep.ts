import type { UsageStore } from './store/usage-store.ts'

export interface Upkeep {
  /** Starts no further round; resolves when the current one has ended. */
  stop(): Promise<void>
}

/**
 * Downsamples usage and deletes the batch names of old gateways, now and every `intervalMs`, one round at a time. A
 * round that fails is reported to `onFault` and repeated by the next one.
 */
export function startUpkeep(
  store: Pick<UsageStore, 'downsample' | 'forgetGateways'>,
  options: { readonly intervalMs: number; readonly gatewayAgeMs: number; readonly onFault: (error: unknown) => void },
): Upkeep {
  const stopping = new AbortController()
  let running: Promise<void> | undefined
  const round = async (): Promise<void> => {
    try {
      await store.downsample(stopping.signal)
      await store.forgetGateways(options.gatewayAgeMs)
    } catch (error) {
      options.onFault(error)
    } finally {
      running = undefined
    }
  }
  const begin = () => {
    running ??= round()
  }
  begin()
  const timer = setInterval(begin, options.intervalMs)
  return {
    stop: async () => {
      clearInterval(timer)
      stopping.abort()
      await running
    },
  }
}
