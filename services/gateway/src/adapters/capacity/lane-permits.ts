import type { Cost } from '@sluice/contracts'
import { createLane, type Lane } from '../../domain/lane.ts'
import type { PermitDenial } from '../../domain/permit-denial.ts'
import type { Permit, PermitOutcome, Permits } from '../../ports/permits.ts'
import type { SendExchange } from './exchange-sender.ts'

/** Permits as capacity grants them at once. */
export interface LanePermits extends Pick<Permits, 'unreserved'> {
  acquire(connectionId: string, model: string, tokens: number): Promise<PermitOutcome>
  /**
   * Asks when as much as `cost` could be granted at once; nothing is charged. Undefined where it could be now, or where that
   * cannot be told.
   */
  probe(connectionId: string, model: string, cost: Cost): Promise<PermitDenial | undefined>
  /** Lets go of the lanes that were not used since the last call. */
  releaseIdle(): void
  /** Resolves when all settlements are taken, or after `deadlineMs`. */
  flush(deadlineMs: number): Promise<void>
}

/**
 * Permits over lanes, one for each connection in use.
 * @param gateway this process's identity, unique to its life
 */
export function lanePermits(gateway: string, send: SendExchange): LanePermits {
  const lanes = new Map<string, Lane>()
  let used = new Set<string>()
  let lives = 0

  const laneOf = (connectionId: string): Lane => {
    used.add(connectionId)
    let lane = lanes.get(connectionId)
    if (lane === undefined) {
      lane = createLane({
        newIdentity: () => `${gateway}.${++lives}`,
        send: (exchange) => send(connectionId, exchange),
        nowMs: () => performance.now(),
        sleep: (durationMs) => new Promise((resolve) => setTimeout(resolve, durationMs)),
      })
      lanes.set(connectionId, lane)
    }
    return lane
  }

  return {
    acquire: async (connectionId, model, tokens) => {
      const reserved = { requests: 1, tokens }
      const outcome = await laneOf(connectionId).acquire({ model, ...reserved })
      if (outcome.status === 'unavailable') return outcome
      const { result, windows, byModel } = outcome
      if (result.status === 'denied') return { status: 'denied', denied: result, windows }
      const permit = permitOf(() => laneOf(connectionId), result.chargedAtMs, reserved, byModel ? model : undefined)
      return { status: 'granted', permit, windows }
    },
    probe: async (connectionId, model, cost) => {
      const outcome = await laneOf(connectionId).acquire({ model, ...cost, probe: true })
      if (outcome.status === 'unavailable' || outcome.result.status === 'granted') return undefined
      return { status: 'denied', denied: outcome.result, windows: outcome.windows }
    },
    unreserved: (connectionId, model) => permitOf(() => laneOf(connectionId), 0, NOTHING, model),
    releaseIdle: () => {
      for (const [connectionId, lane] of lanes) {
        if (!used.has(connectionId) && lane.isIdle()) lanes.delete(connectionId)
      }
      used = new Set()
    },
    flush: async (deadlineMs) => {
      const deadline = new Promise((resolve) => setTimeout(resolve, deadlineMs).unref())
      await Promise.race([Promise.all([...lanes.values()].map((lane) => lane.flush())), deadline])
    },
  }
}

function permitOf(lane: () => Lane, chargedAtMs: number, reserved: Cost, model?: string): Permit {
  let isSettled = false
  return {
    settle: (actual, cooldown) => {
      if (isSettled) return
      isSettled = true
      lane().settle({
        chargedAtMs,
        reserved,
        actual,
        ...(cooldown === undefined ? {} : { cooldown }),
        ...(model === undefined ? {} : { model }),
      })
    },
  }
}

const NOTHING: Cost = { requests: 0, tokens: 0 }
