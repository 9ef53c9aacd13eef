import type { Operation, ProviderAdapter, RequestInspection, ResponseTranslation, WireHeaders } from '@sluice/providers'
import type { ApiKey } from '../admission/api-key.ts'
import type { UsableConnection } from '../admission/connection.ts'
import type { ModelNaming } from '../estimate/body-readings.ts'
import type { CostEstimate } from '../estimate/estimate-cost.ts'
import type { Permit } from '../permits/permit.ts'
import type { RateLimitFields } from '../permits/rate-limit-fields.ts'

/** One request of an application that may use its connection. */
export interface Call {
  /** The gateway's own name for it. */
  readonly requestId: string
  /** Unix milliseconds. */
  readonly startedAtMs: number
  readonly apiKey: ApiKey
  readonly connection: UsableConnection
  readonly method: string
  readonly operation: Operation
  /** Without the caller's key. */
  readonly query: string
  /** Those that go on to the provider, among others that do not. */
  readonly headers: WireHeaders
  /** For a call of the unified endpoint: how the provider's answer is said in OpenAI's words. Absent for a native call. */
  readonly translation?: ResponseTranslation
  /** How the gateway's own errors are said; as the connection's provider would, if absent. */
  readonly formatError?: ProviderAdapter['errorResponse']
}

/** What is to be sent for a call, and what it is expected to cost. */
export interface PreparedCall extends Call {
  readonly inspection: RequestInspection
  /** Where models are told apart: those that the request names. */
  readonly naming: ModelNaming | undefined
  /** Which part of the model's requests it belongs to, where the provider has limits of its own for that; '' for the common one. */
  readonly pool: string
  readonly estimate: CostEstimate
}

/** A call that has its permit. */
export interface PermittedCall extends PreparedCall {
  readonly permit: Permit
  /** Absent where the connection has no limits, or capacity could not be asked. */
  readonly rateLimits: RateLimitFields | undefined
}
