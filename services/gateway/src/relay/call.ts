import type { Operation, ProviderAdapter, RequestInspection, ResponseTranslation, WireHeaders } from '@sluice/providers'
import type { ApiKey } from '../admission/api-key.ts'
import type { UsableConnection } from '../admission/connection.ts'
import type { ModelNaming } from '../estimate/body-readings.ts'
import type { CostEstimate } from '../estimate/estimate-cost.ts'
import type { Permit } from '../permits/permit.ts'
import type { RateLimitFields } from '../permits/rate-limit-fields.ts'

/** A request that was admitted to its connection. */
export interface Call {
  /** The gateway's own ID of it. */
  readonly requestId: string
  /** Unix milliseconds. */
  readonly startedAtMs: number
  readonly apiKey: ApiKey
  readonly connection: UsableConnection
  readonly method: string
  readonly operation: Operation
  /** The query without the caller's key. */
  readonly query: string
  /** The request's, of which some go on to the provider. */
  readonly headers: WireHeaders
  /** Translates the provider's response into OpenAI's format. Absent for a native call. */
  readonly translation?: ResponseTranslation
  /** The format of the gateway's own errors; by default the one of the connection's provider. */
  readonly formatError?: ProviderAdapter['errorResponse']
}

/** A call whose body was inspected, if that matters. */
export interface InspectedCall extends Call {
  readonly inspection: RequestInspection
  /** The models that the request names; undefined if its connection does not distinguish models. */
  readonly naming: ModelNaming | undefined
  /**
   * The part of the model's requests that it belongs to, where the provider has limits of its own for such parts; '' for the common one.
   * Before the estimate: what the request's headers and body say; after it, also by the length of the prompt.
   */
  readonly pool: string
}

/** A call whose cost is estimated. */
export interface PreparedCall extends InspectedCall {
  readonly estimate: CostEstimate
}

/** A call that has its permit. */
export interface PermittedCall extends PreparedCall {
  readonly permit: Permit
  /** Absent if the connection has no limits, or capacity is unavailable. */
  readonly rateLimits: RateLimitFields | undefined
}
