import type { GeneratedAlways } from 'kysely'

/** The tables of the schema `discovery`, as the newest migration leaves them. */
export interface Tables {
  'discovery.limits': LimitsTable
  'discovery.limit_history': LimitHistoryTable
}

export interface LimitsTable {
  connection_id: string
  model: string
  dimension: string
  limit_value: number
  /** Null where it is not known. */
  period_ms: number | null
  remaining: number | null
  reset_at: Date | null
  first_seen_at: Date
  last_seen_at: Date
  changes: number
}

export interface LimitHistoryTable {
  id: GeneratedAlways<number>
  connection_id: string
  model: string
  dimension: string
  /** Null where the limit was seen for the first time. */
  old_limit: number | null
  new_limit: number
  changed_at: Date
}
