import type { Selectable } from 'kysely'
import type { ConnectionLimit } from '../domain/learn.ts'
import type { LimitsTable } from './tables.ts'

/** A row of `discovery.limits` in the domain's words. */
export function toConnectionLimit(row: Selectable<LimitsTable>): ConnectionLimit {
  return {
    connectionId: row.connection_id,
    model: row.model,
    dimension: row.dimension,
    limit: row.limit_value,
    ...(row.period_ms === null ? {} : { periodMs: row.period_ms }),
    periodConfidence: row.period_confidence,
    ...(row.remaining === null ? {} : { remaining: row.remaining }),
    ...(row.reset_at === null ? {} : { resetAtMs: row.reset_at.getTime() }),
    firstSeenAtMs: row.first_seen_at.getTime(),
    lastSeenAtMs: row.last_seen_at.getTime(),
    changes: row.changes,
    ...(row.source === null ? {} : { source: row.source }),
  }
}
