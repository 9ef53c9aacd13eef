import type { Operation, RequestInspection } from '@sluice/providers'
import type { UsableConnection } from '../domain/connection.ts'
import type { CostEstimate } from '../domain/estimate-cost.ts'
import type { RateLimitFields } from '../domain/rate-limit-fields.ts'
import type { Permit } from '../ports/permits.ts'

/** One request of an application that may use its connection. */
export interface Call {
  /** The gateway's own name for it. */
  readonly requestId: string
  /** Unix milliseconds. */
  readonly startedAtMs: number
  readonly apiKeyId: string
  readonly connection: UsableConnection
  readonly operation: Operation
  /** Without the caller's key. */
  readonly query: string
}

/** What is to be sent for a call, and what it is expected to cost. */
export interface PreparedCall extends Call {
  readonly inspection: RequestInspection
  readonly estimate: CostEstimate
}

/** A call that has its permit. */
export interface PermittedCall extends PreparedCall {
  readonly permit: Permit
  /** Absent where the connection has no limits, or capacity could not be asked. */
  readonly rateLimits: RateLimitFields | undefined
}
