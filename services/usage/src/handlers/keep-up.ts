import type { UsageUpkeep } from '../ports/usage-store.ts'

export interface KeepingUp {
  /** Begins nothing more; resolves when what is under way has settled. */
  stop(): Promise<void>
}

/**
 * Does the upkeep now and then every `intervalMs`, one round at a time. What fails is done in the next round; `onFault` is told.
 */
export function keepUp(
  upkeep: UsageUpkeep,
  options: { readonly intervalMs: number; readonly gatewayAgeMs: number; readonly onFault: (error: unknown) => void },
): KeepingUp {
  const stopping = new AbortController()
  let running: Promise<void> | undefined
  const round = async (): Promise<void> => {
    try {
      await upkeep.downsample(stopping.signal)
      await upkeep.forgetGateways(options.gatewayAgeMs)
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
