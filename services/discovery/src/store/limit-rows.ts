import { DiscoveredLimit, type FieldError, LimitSource, validate } from '@sluice/contracts'
import { readStored, StoredInstant } from '@sluice/postgres'
import { type Static, type TSchema, Type } from 'typebox'
import type { ConnectionLimit } from '../learn/learn.ts'

/** The primary key of `discovery.limits`. */
export interface LimitKey {
  readonly connectionId: string
  readonly model: string
  readonly dimension: string
}

/** A row that another program, or another version of the service, wrote; and what is wrong with it. */
export interface UnreadableRow extends LimitKey {
  readonly errors: readonly FieldError[]
}

export interface ReadLimits {
  readonly limits: ConnectionLimit[]
  readonly unreadable: UnreadableRow[]
}

/** Reads rows of `discovery.limits`, and sets those apart that have another shape than this service writes. */
export function readLimitRows(rows: readonly unknown[]): ReadLimits {
  const limits: ConnectionLimit[] = []
  const unreadable: UnreadableRow[] = []
  for (const row of rows) {
    const validation = validate(LimitRow, row)
    if (validation.valid) limits.push(toConnectionLimit(validation.value))
    else unreadable.push({ ...keyOf(row), errors: validation.errors })
  }
  return { limits, unreadable }
}

function keyOf(row: unknown): LimitKey {
  const { connection_id, model, dimension } = readStored(KeyColumns, row, 'the key of a limit')
  return { connectionId: connection_id, model, dimension }
}

function toConnectionLimit(row: Static<typeof LimitRow>): ConnectionLimit {
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

function orNull<S extends TSchema>(schema: S) {
  return Type.Union([schema, Type.Null()])
}

const KeyColumns = Type.Object({ connection_id: Type.String(), model: Type.String(), dimension: Type.String() })

const { limit, changes } = DiscoveredLimit.properties

const LimitRow = Type.Object({
  ...KeyColumns.properties,
  limit_value: limit,
  period_ms: orNull(Type.Integer({ minimum: 1 })),
  period_confidence: Type.Integer({ minimum: 0 }),
  remaining: orNull(Type.Integer({ minimum: 0 })),
  reset_at: orNull(StoredInstant),
  first_seen_at: StoredInstant,
  last_seen_at: StoredInstant,
  changes,
  source: orNull(LimitSource),
})
