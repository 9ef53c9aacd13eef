import type { CallEnd } from '../accounting/settlement.ts'
import { type GatewayError, gatewayError } from '../http/gateway-error.ts'
import type { UpstreamFault } from '../ports.ts'

/** A request that was too late to be sent is sent again. */
type FaultReason = Exclude<UpstreamFault['reason'], 'too-late'>

/** How far a call had come when the fault occurred. */
export interface FaultMoment {
  readonly connection: string
  /** The provider took the connection. */
  readonly wasSent: boolean
  /** The head of its answer was there. */
  readonly hasBegun: boolean
}

/** What the application is told of a fault. */
export function upstreamFaultError(reason: FaultReason, moment: FaultMoment): GatewayError {
  const provider = `The provider of connection "${moment.connection}"`
  if (reason === 'timeout') return gatewayError('upstream_timeout', `${provider} did not answer in time.`)
  if (reason === 'too-large') return gatewayError('payload_too_large', 'The upload is too large.')
  if (reason === 'invalid') {
    return gatewayError('invalid_request', 'The request cannot be sent on: its path or a header is malformed.')
  }
  if (reason === 'undecodable') {
    const what = 'sent a compressed answer, which was not asked for and could not be understood'
    return gatewayError('upstream_unreachable', `${provider} ${what}.`)
  }
  if (moment.hasBegun) return gatewayError('upstream_unreachable', 'The provider broke its answer off.')
  if (reason === 'unreadable')
    return gatewayError('upstream_unreachable', `${provider} answered with what is not HTTP.`)
  const what = moment.wasSent ? 'broke the connection off before it answered' : 'could not be reached'
  return gatewayError('upstream_unreachable', `${provider} ${what}.`)
}

/** Whose doing the end of the call is. */
export function interrupterOf(reason: FaultReason): CallEnd['interruptedBy'] {
  if (reason === 'timeout') return 'timeout'
  return reason === 'too-large' || reason === 'invalid' ? 'client' : 'provider'
}
