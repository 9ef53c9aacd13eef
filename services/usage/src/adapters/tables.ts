import type { ColumnType, Generated } from 'kysely'

/** The tables of the schema `usage`, as the newest migration leaves them. */
export interface Tables {
  'usage.rollups': RollupsTable
  'usage.seen_batches': SeenBatchesTable
}

export interface RollupsTable {
  /** The minute's start. */
  minute_at: Date
  connection_id: string
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
}

/** Names of the batches that are in the rollups. */
export interface SeenBatchesTable {
  gateway: string
  batch: number
  seen_at: ColumnType<Date, never, never> & Generated<Date>
}
