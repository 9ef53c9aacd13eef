import { capacityHealth } from '@sluice/contracts'
import { type Bus, NoReplyError, NoRespondersError, request } from '@sluice/messaging'
import type { FastifyInstance } from 'fastify'
import type { Projections } from '../ports.ts'

/** Says whether this gateway can serve requests. */
export interface Readiness {
  /** Returns the reasons why requests get no permits, in words for people; none while they do. Never rejects. */
  reasons(): Promise<readonly string[]>
}

/**
 * Finds out from a capacity instance whether it grants permits, at most once a second however often the state is read. What is
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
    if (isSilent) return ['no capacity instance replies']
    return [`the capacity service cannot be reached: ${error instanceof Error ? error.message : String(error)}`]
  }
}

const ASK_EVERY_MS = 1_000

/**
 * Adds the routes `/healthz`: the process runs. `/readyz`: requests get their permits, or 503 with the reasons why they do not. Neither needs
 * a key.
 */
export function healthRoutes(app: FastifyInstance, readiness: Readiness): void {
  app.get('/healthz', () => ({ status: 'ok' }))
  app.get('/readyz', async (_request, reply) => {
    const reasons = await readiness.reasons()
    if (reasons.length === 0) return { status: 'ready' }
    return reply.code(503).send({ status: 'unready', reasons })
  })
}
