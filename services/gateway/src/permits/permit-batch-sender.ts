import {
  capacityHealth,
  instancePermitBatch,
  type PermitBatchReply,
  type PermitBatchRequest,
  permitBatch,
  SluiceError,
} from '@sluice/contracts'
import { type Bus, NoReplyError, NoRespondersError, request } from '@sluice/messaging'
import type { LiveMembers } from './live-members.ts'
import type { Attempt } from './permit-session.ts'

export type SendPermitBatch = (
  connectionId: string,
  permitBatch: PermitBatchRequest,
  timeoutMs: number,
) => Promise<Attempt>

/**
 * Sends a permit batch to the first instance in the connection's order, to the next one if it has no responder, and at last to any instance
 * (a new one may not be known here yet). An instance that did not reply in time comes last for a while. If no instance is known by its
 * heartbeats, the sender requests capacity's clock when it is needed.
 *
 * @param monotonicMs returns monotonic milliseconds
 * @param onFault receives unexpected errors; lost replies and absent instances are expected
 */
export function permitBatchSender(
  bus: Bus,
  members: LiveMembers,
  monotonicMs: () => number,
  onFault: (error: unknown) => void,
): SendPermitBatch {
  const unresponsiveUntilMs = new Map<string, number>()

  const inOrder = (connectionId: string): readonly string[] => {
    const order = members.orderFor(connectionId)
    if (unresponsiveUntilMs.size === 0) return order
    const nowMs = monotonicMs()
    for (const [instance, untilMs] of unresponsiveUntilMs) if (untilMs <= nowMs) unresponsiveUntilMs.delete(instance)
    const isUnresponsive = (instance: string) => unresponsiveUntilMs.has(instance)
    return [...order.filter((instance) => !isUnresponsive(instance)), ...order.filter(isUnresponsive)]
  }

  const replied = (reply: PermitBatchReply): Attempt => {
    members.observeClock(reply.clockMs)
    return { status: 'replied', reply }
  }

  const learnClock = async (): Promise<void> => {
    try {
      const { clockMs } = await request(bus, capacityHealth, [], {})
      if (clockMs !== undefined) members.observeClock(clockMs)
    } catch (error) {
      if (!(error instanceof NoRespondersError || error instanceof NoReplyError)) onFault(error)
    }
  }

  return async (connectionId, body, timeoutMs) => {
    for (const instance of inOrder(connectionId)) {
      try {
        return replied(await request(bus, instancePermitBatch, [instance, connectionId], body, { timeoutMs }))
      } catch (error) {
        if (error instanceof NoRespondersError) continue
        if (error instanceof NoReplyError) unresponsiveUntilMs.set(instance, monotonicMs() + UNRESPONSIVE_MS)
        return failed(error, onFault)
      }
    }
    try {
      return replied(await request(bus, permitBatch, [connectionId], body, { timeoutMs }))
    } catch (error) {
      const attempt = failed(error, onFault)
      if (attempt.status === 'stale') await learnClock()
      return attempt
    }
  }
}

function failed(error: unknown, onFault: (error: unknown) => void): Attempt {
  if (error instanceof NoRespondersError) return { status: 'failed', mayBeApplied: false }
  if (error instanceof NoReplyError) return { status: 'failed', mayBeApplied: true }
  if (!(error instanceof SluiceError)) {
    onFault(error)
    return { status: 'failed', mayBeApplied: true }
  }
  if (error.code === 'unavailable') return { status: 'failed', mayBeApplied: true, reason: error.message }
  if (error.code === 'stale_permit_batch') return { status: 'stale' }
  // Nothing has to be counted for a deleted connection.
  if (error.code === 'connection_not_found') return { status: 'refused' }
  onFault(error)
  // A repetition would be invalid too.
  if (error.code === 'invalid_request') return { status: 'refused' }
  return { status: 'failed', mayBeApplied: true }
}

/** Long enough not to lose another batch to the same fault, short enough that gateways soon agree on an order again. */
const UNRESPONSIVE_MS = 3_000
