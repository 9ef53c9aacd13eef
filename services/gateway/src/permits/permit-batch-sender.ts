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
 * Sends an exchange to the first instance in the connection's order, at once to the next where nobody responds, and to any that
 * takes it in the end (a young instance may not be known here yet). An instance that did not answer in time comes last for a
 * while. Where none is known by its heartbeats, the counters' clock is asked for when it is needed.
 *
 * @param monotonicMs milliseconds that only ever go on
 * @param onFault told of what should not happen; lost replies and absent instances are part of life
 */
export function permitBatchSender(
  bus: Bus,
  members: LiveMembers,
  monotonicMs: () => number,
  onFault: (error: unknown) => void,
): SendPermitBatch {
  const silentUntilMs = new Map<string, number>()

  const inOrder = (connectionId: string): readonly string[] => {
    const order = members.orderFor(connectionId)
    if (silentUntilMs.size === 0) return order
    const nowMs = monotonicMs()
    for (const [instance, untilMs] of silentUntilMs) if (untilMs <= nowMs) silentUntilMs.delete(instance)
    const isSilent = (instance: string) => silentUntilMs.has(instance)
    return [...order.filter((instance) => !isSilent(instance)), ...order.filter(isSilent)]
  }

  const replied = (reply: PermitBatchReply): Attempt => {
    members.heardClock(reply.clockMs)
    return { status: 'replied', reply }
  }

  const learnClock = async (): Promise<void> => {
    try {
      const { clockMs } = await request(bus, capacityHealth, [], {})
      if (clockMs !== undefined) members.heardClock(clockMs)
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
        if (error instanceof NoReplyError) silentUntilMs.set(instance, monotonicMs() + SILENT_MS)
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
  // A connection that was deleted this instant has nothing left to count.
  if (error.code === 'connection_not_found') return { status: 'refused' }
  onFault(error)
  // Repeating it would not make it any better.
  if (error.code === 'invalid_request') return { status: 'refused' }
  return { status: 'failed', mayBeApplied: true }
}

/** Long enough not to lose another exchange to the same fault, short enough that gateways soon agree on an order again. */
const SILENT_MS = 3_000
