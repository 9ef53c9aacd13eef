import type { Actor } from '../audit/audit-entry.ts'
import { audit } from '../audit/audit-log.ts'
import type { Database } from '../database/database.ts'
import type { OperatorToken } from './operator.ts'
import { fromOperatorTokenRow } from './operator-token-store.ts'
import type { Session } from './session.ts'

/** Operators' sessions, which are deleted with their tokens. Starting and ending one is in the audit log. */
export type SessionStore = ReturnType<typeof createSessionStore>

export function createSessionStore(database: Database) {
  return {
    /** Returns the session with this hash, and the token that it was started with. */
    find: async (hash: string): Promise<{ readonly session: Session; readonly token: OperatorToken } | undefined> => {
      const row = await database.run((db) =>
        db
          .selectFrom('sessions as s')
          .innerJoin('operator_tokens as t', 't.id', 's.operator_token_id')
          .selectAll('t')
          .select(['s.id as session_id', 's.created_at as started_at', 's.expires_at as ends_at'])
          .where('s.hash', '=', hash)
          .executeTakeFirst(),
      )
      if (row === undefined) return undefined
      const token = fromOperatorTokenRow(row)
      const { session_id: id, started_at: createdAt, ends_at: expiresAt } = row
      return { session: { id, hash, tokenId: token.id, createdAt, expiresAt }, token }
    },

    /**
     * Stores a session and deletes those that had ended by its start. Returns false when its token was revoked
     * meanwhile.
     */
    insert: ({ id, hash, tokenId, createdAt, expiresAt }: Session, actor: Actor): Promise<boolean> =>
      database.transaction(async (trx) => {
        // Locked, so that the token is not revoked in between.
        const token = await trx
          .selectFrom('operator_tokens')
          .select('id')
          .where('id', '=', tokenId)
          .forShare()
          .executeTakeFirst()
        if (token === undefined) return false
        await trx.deleteFrom('sessions').where('expires_at', '<=', createdAt).execute()
        const times = { created_at: createdAt, expires_at: expiresAt }
        await trx
          .insertInto('sessions')
          .values({ id, hash, operator_token_id: tokenId, ...times })
          .execute()
        await audit(trx, { actor, action: 'session.started', subjectId: tokenId })
        return true
      }),

    remove: (id: string, actor: Actor): Promise<void> =>
      database.transaction(async (trx) => {
        const row = await trx
          .deleteFrom('sessions')
          .where('id', '=', id)
          .returning('operator_token_id as tokenId')
          .executeTakeFirst()
        if (row !== undefined) await audit(trx, { actor, action: 'session.ended', subjectId: row.tokenId })
      }),
  }
}
