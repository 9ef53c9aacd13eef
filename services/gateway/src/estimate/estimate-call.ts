import { promptPool } from '@sluice/providers'
import type { InspectedCall, PreparedCall } from '../relay/call.ts'
import { type CostEstimate, estimateCost, NO_TOKENS } from './estimate-cost.ts'

/**
 * Estimates what a call will cost, by its connection's settings and limits and what earlier responses of its model taught. The length of the
 * prompt then decides its pool, where the provider limits long prompts apart.
 */
export function estimateCall<C extends InspectedCall>(call: C): C & PreparedCall {
  const { connection, operation, pool } = call
  const estimate = operation.usesModel ? estimateOf(call) : NO_TOKENS
  return { ...call, pool: promptPool(pool, estimate.promptTokens, connection.adapter), estimate }
}

function estimateOf({ connection, inspection }: InspectedCall): CostEstimate {
  const { settings, smallestTokenLimit, smallestOutputLimit, learned } = connection
  const { defaultMaxOutputTokens, tokenReservation } = settings
  const policy = { defaultMaxOutputTokens, tokenReservation, smallestTokenLimit, smallestOutputLimit }
  return estimateCost(inspection, policy, learned.of(inspection.model))
}
