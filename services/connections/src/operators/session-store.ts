import type { Actor } from '../audit/audit-entry.ts'
import type { Database } from '../database/database.ts'
import { audit } from '../database/record-change.ts'
import type { OperatorToken, Session } from './operator.ts'
import { fromOperatorTokenRow } from './operator-token-store.ts'

/** A session and the token that it was begun with. */
export interface FoundSession {
  readonly session: Session
  readonly token: OperatorToken
}

/** The console's sessions, which go with their tokens; beginning and ending one is in the audit log. */
export interface SessionStore {
  /** Undefined when there is none with this hash, or its token is gone. */
  find(hash: string): Promise<FoundSession | undefined>
  /** Stores a session, and forgets those that are over by its beginning. False when its token is gone. */
  insert(session: Session, actor: Actor): Promise<boolean>
  remove(id: string, actor: Actor): Promise<void>
}

export function createSessionStore(database: Database): SessionStore {
  return {
    find: async (hash) => {
      const row = await database.run((db) =>
        db
          .selectFrom('sessions as s')
          .innerJoin('operator_tokens as t', 't.id', 's.operator_token_id')
          .selectAll('t')
          .select(['s.id as session_id', 's.created_at as begun_at', 's.expires_at as ends_at'])
          .where('s.hash', '=', hash)
          .executeTakeFirst(),
      )
      if (row === undefined) return undefined
      const token = fromOperatorTokenRow(row)
      const { session_id: id, begun_at: createdAt, ends_at: expiresAt } = row
      return { session: { id, hash, tokenId: token.id, createdAt, expiresAt }, token }
    },
    insert: ({ id, hash, tokenId, createdAt, expiresAt }, actor) =>
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
        await audit(trx, { actor, action: 'session.begun', subjectId: tokenId })
        return true
      }),
    remove: (id, actor) =>
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
