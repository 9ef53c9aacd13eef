import { type RawBuilder, sql } from 'kysely'

/** An instant in Unix milliseconds, as PostgreSQL's. */
export function instant(atMs: number): RawBuilder<Date> {
  return sql<Date>`to_timestamp(${atMs}::bigint / 1000.0)`
}
