import type { Insertable, Selectable } from 'kysely'
import type { OperatorToken } from '../../domain/operator-token.ts'
import type { OperatorTokenTable } from './tables.ts'

export function fromOperatorTokenRow(row: Selectable<OperatorTokenTable>): OperatorToken {
  return {
    id: row.id,
    name: row.name,
    hash: row.hash,
    role: row.role,
    ...(row.expires_at === null ? {} : { expiresAt: row.expires_at }),
    createdAt: row.created_at,
    ...(row.last_used_at === null ? {} : { lastUsedAt: row.last_used_at }),
  }
}

export function toOperatorTokenRow(token: OperatorToken): Insertable<OperatorTokenTable> {
  return {
    id: token.id,
    name: token.name,
    hash: token.hash,
    role: token.role,
    expires_at: token.expiresAt ?? null,
    created_at: token.createdAt,
  }
}
