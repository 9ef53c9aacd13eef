import type { LimitSource } from '@sluice/contracts'
import type { GeneratedAlways } from 'kysely'

/** The tables of the schema `discovery`, as the newest migration leaves them. */
export interface Tables {
  'discovery.limits': LimitsTable
  'discovery.limit_history': LimitHistoryTable
  'discovery.set_aside': DeadLetterTable
}

export interface LimitsTable {
  connection_id: string
  model: string
  dimension: string
  limit_value: number
  /** Null where it is not known. */
  period_ms: number | null
  /** How sure the period is: see the domain's `PeriodBelief`. */
  period_confidence: number
  remaining: number | null
  reset_at: Date | null
  first_seen_at: Date
  last_seen_at: Date
  changes: number
  /** Who told it last; null: the provider's answers to requests. */
  source: LimitSource | null
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

/** Messages of the stream `RESPONSES` that could not be learnt from. */
export interface DeadLetterTable {
  stream_sequence: number
  subject: string
  reason: string
  /** The message, or its beginning. */
  data: Buffer
  set_aside_at: Date
}
