import type { GatewayError } from './http/gateway-error.ts'
import type { RateLimitFields } from './permits/rate-limit-fields.ts'

/** The result of a step of a call: the value that the next step needs, or why the call ends here. */
export type Result<T, E extends Ended = Ended> = { readonly status: 'ok'; readonly value: T } | E

/** Why a call ends before its request is sent. `refuse.ts` says how it is responded to and recorded. */
export type Ended = Refused | Aborted

export interface Refused {
  readonly status: 'refused'
  readonly error: GatewayError
  /** Set where capacity refused: the limit, or the error's code. */
  readonly deniedBy?: string
  readonly rateLimits?: RateLimitFields | undefined
}

/** The client disconnected. */
export interface Aborted {
  readonly status: 'aborted'
}

export function ok<T>(value: T): { readonly status: 'ok'; readonly value: T } {
  return { status: 'ok', value }
}

export function refused(error: GatewayError): Refused {
  return { status: 'refused', error }
}

export const ABORTED: Aborted = { status: 'aborted' }
