import type { Granularity } from '../domain/granularity.ts'

/** The tables of the schema `usage`, as the newest migration leaves them. */
export interface Tables {
  'usage.minutes': RollupsTable
  'usage.hours': RollupsTable
  'usage.days': RollupsTable
  'usage.horizons': HorizonsTable
  'usage.gateways': GatewaysTable
  'usage.model_names': ModelNamesTable
}

export interface RollupsTable {
  /** The start of the minute, hour or day. */
  from_at: Date
  connection_id: string
  provider: string
  model: string
  api_key_id: string
  outcome: string
  /** Empty for outcomes other than `denied`. */
  denied_by: string
  requests: number
  input_tokens: number
  output_tokens: number
  cached_input_tokens: number
  reasoning_tokens: number
  /** Durations in milliseconds: see `packed-histogram.ts`. */
  latency: string[]
  time_to_first_token: string[]
  cache_write_input_tokens: number
}

export interface HorizonsTable {
  granularity: Granularity
  from_at: Date
}

/** Which batches of a gateway are in the rollups. */
export interface GatewaysTable {
  gateway: string
  /** Batches count up, so that this is one range, but for those that were lost or are on their way. */
  recorded_batches: string
  last_recorded_at: Date
}

/** The names of models that are told apart: see `model-names.ts`. */
export interface ModelNamesTable {
  connection_id: string
  api_key_id: string
  /** The day's start, UTC. */
  day: Date
  served: string[]
  tried: string[]
}

/** The table that holds each granularity. */
export const ROLLUP_TABLES = { minute: 'usage.minutes', hour: 'usage.hours', day: 'usage.days' } as const
