import { capacityHealth } from '@sluice/contracts'
import { type Bus, NoReplyError, NoRespondersError, request } from '@sluice/messaging'
import type { Projections } from '../ports/projections.ts'
import type { Readiness } from '../ports/readiness.ts'

/**
 * Finds out by asking a capacity instance whether it gives permits, at most once a second however often it is asked itself. What is
 * known is that much older at most, but for the connection to NATS, which is known at once.
 *
 * @param monotonicMs milliseconds that only ever go on
 */
export function createReadiness(bus: Bus, projections: Projections, monotonicMs: () => number): Readiness {
  let last: { readonly askedAtMs: number; readonly reasons: Promise<readonly string[]> } | undefined
  return {
    reasons: async () => {
      if (!bus.isConnected()) return ['NATS is not connected']
      if (!projections.areCurrent()) return ['it cannot be verified that connections and API keys are current']
      const nowMs = monotonicMs()
      if (last === undefined || nowMs - last.askedAtMs >= ASK_EVERY_MS) {
        last = { askedAtMs: nowMs, reasons: capacityReasons(bus) }
      }
      return last.reasons
    },
  }
}

async function capacityReasons(bus: Bus): Promise<readonly string[]> {
  try {
    const { ready, reason = 'it does not say why' } = await request(bus, capacityHealth, [], {})
    return ready ? [] : [`the capacity service gives no permits: ${reason}`]
  } catch (error) {
    const isSilent = error instanceof NoRespondersError || error instanceof NoReplyError
    if (isSilent) return ['no capacity instance answers']
    return [`the capacity service cannot be asked: ${error instanceof Error ? error.message : String(error)}`]
  }
}

const ASK_EVERY_MS = 1_000
