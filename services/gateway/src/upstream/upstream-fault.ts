import type { CallEnd } from '../accounting/settlement.ts'
import { type GatewayError, gatewayError } from '../http/gateway-error.ts'

/** Why a request to the provider failed. */
export interface UpstreamFault {
  /**
   * - `unreachable`: the connection could not be established, or broke
   * - `unreadable`: the response is not HTTP
   * - `undecodable`: the body has an unknown content coding, or is damaged
   * - `timeout`: the first byte, or the next one, did not come in time
   * - `too-large`: the request's body exceeded its limit
   * - `invalid`: the request cannot be sent as it is
   * - `too-late`: nothing was written, since the time to depart had passed
   */
  readonly reason: 'unreachable' | 'unreadable' | 'undecodable' | 'timeout' | 'too-large' | 'invalid' | 'too-late'
  /** Contains no secret, but details that are for the log only. */
  readonly error: Error
}

/** All but `too-late`, after which the request is sent again. */
type ReportedFault = Exclude<UpstreamFault['reason'], 'too-late'>

/** How far a call had progressed when the fault occurred. */
export interface FaultMoment {
  readonly connection: string
  /** Whether the provider accepted the connection. */
  readonly wasSent: boolean
  /** Whether the response had begun. */
  readonly hasBegun: boolean
}

/** Returns the error response for a fault. */
export function upstreamFaultError(reason: ReportedFault, moment: FaultMoment): GatewayError {
  const provider = `The provider of connection "${moment.connection}"`
  if (reason === 'timeout') return gatewayError('upstream_timeout', `${provider} did not respond in time.`)
  if (reason === 'too-large') return gatewayError('payload_too_large', 'The upload is too large.')
  if (reason === 'invalid') {
    return gatewayError('invalid_request', 'The request cannot be forwarded: its path or a header is malformed.')
  }
  if (reason === 'undecodable') {
    const what = 'sent a compressed response that was not requested and could not be decoded'
    return gatewayError('upstream_unreachable', `${provider} ${what}.`)
  }
  if (moment.hasBegun) return gatewayError('upstream_unreachable', 'The provider broke off its response.')
  if (reason === 'unreadable') return gatewayError('upstream_unreachable', `${provider} did not respond in HTTP.`)
  const what = moment.wasSent ? 'closed the connection before it responded' : 'could not be reached'
  return gatewayError('upstream_unreachable', `${provider} ${what}.`)
}

/** Returns who caused the fault. */
export function interrupterOf(reason: ReportedFault): CallEnd['interruptedBy'] {
  if (reason === 'timeout') return 'timeout'
  return reason === 'too-large' || reason === 'invalid' ? 'client' : 'provider'
}
