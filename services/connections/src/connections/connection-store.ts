import type { CredentialFault, ProviderId } from '@sluice/contracts'
import { sql, type Transaction } from 'kysely'
import type { Actor } from '../audit/audit-entry.ts'
import { audit } from '../audit/audit-log.ts'
import { type ConnectionChange, enqueue } from '../bus/outbox.ts'
import { type Database, violatesUnique } from '../database/database.ts'
import type { Tables } from '../database/tables.ts'
import type { Envelope } from '../keys/envelope.ts'
import { type Connection, restrictsConnection, toView } from './connection.ts'
import { fromConnectionRow, selectConnections, toConnectionRow, toCredentialFault } from './connection-rows.ts'

export interface ConnectionQuery {
  /** Part of the name or the description, ignoring case. */
  readonly search?: string
  readonly provider?: ProviderId
  /** Only connections with a greater name. */
  readonly afterName?: string
  readonly limit: number
}

/** The replacement of a connection, and the action for the audit log. */
export type ConnectionReplacement =
  | { readonly action: 'updated'; readonly connection: Connection }
  | {
      readonly action: 'rotated' | 'rolled-back'
      readonly connection: Connection
      /** The envelope of the new credential; its version and hint are in the connection's summary. */
      readonly envelope: Envelope
    }

/** One version of a credential as it is stored. */
export interface StoredCredential {
  /** Not validated. */
  readonly envelope: unknown
  /** Why it could not be used the last time it was needed. */
  readonly fault: CredentialFault | undefined
}

/**
 * The connections. Each change is one transaction with its audit entry and its outbox entry, so that none of the three
 * exists without the others. Every method throws DatabaseUnreachableError while the database is unreachable.
 */
export type ConnectionStore = ReturnType<typeof createConnectionStore>

/** @param onCommitted is awaited after each change, with the connection's id */
export function createConnectionStore(database: Database, onCommitted: (id: string) => Promise<void>) {
  const change = async <T>(id: string, work: (trx: Transaction<Tables>) => Promise<T>): Promise<T> => {
    const result = await database.transaction(work)
    await onCommitted(id)
    return result
  }
  return {
    /** By name, ascending. */
    list: async ({ search, provider, afterName, limit }: ConnectionQuery): Promise<Connection[]> => {
      const rows = await database.run((db) => {
        let query = selectConnections(db).orderBy('c.name').limit(limit)
        if (provider !== undefined) query = query.where('c.provider', '=', provider)
        if (afterName !== undefined) query = query.where('c.name', '>', afterName)
        if (search !== undefined) {
          const pattern = `%${search.replaceAll(/[\\%_]/g, '\\$&')}%`
          query = query.where((where) =>
            where.or([where('c.name', 'ilike', pattern), where('c.description', 'ilike', pattern)]),
          )
        }
        return query.execute()
      })
      return rows.map(fromConnectionRow)
    },

    find: async (id: string): Promise<Connection | undefined> => {
      const row = await database.run((db) => selectConnections(db).where('c.id', '=', id).executeTakeFirst())
      return row === undefined ? undefined : fromConnectionRow(row)
    },

    /** Returns those of `ids` that exist. */
    existing: async (ids: readonly string[]): Promise<ReadonlySet<string>> => {
      if (ids.length === 0) return new Set()
      const rows = await database.run((db) =>
        db.selectFrom('connections').select('id').where('id', 'in', ids).execute(),
      )
      return new Set(rows.map(({ id }) => id))
    },

    /** @param envelope of the credential; undefined when the provider needs none */
    insert: (connection: Connection, envelope: Envelope | undefined, actor: Actor): Promise<'stored' | 'name_taken'> =>
      unlessNameTaken(() =>
        change(connection.id, async (trx) => {
          await trx.insertInto('connections').values(toConnectionRow(connection)).execute()
          if (envelope !== undefined) await insertCredential(trx, connection, envelope, actor)
          const after = toView(connection)
          await audit(trx, { actor, action: 'connection.created', subjectId: connection.id, after })
          await enqueueChange(trx, connection, { change: 'created', restricts: false })
          return 'stored' as const
        }),
      ),

    /**
     * Replaces `before`. A new credential also destroys the envelopes of all versions but this one and the previous
     * one. `conflict`: the stored connection is no longer `before`.
     */
    replace: (
      before: Connection,
      replacement: ConnectionReplacement,
      actor: Actor,
    ): Promise<'stored' | 'name_taken' | 'conflict'> =>
      unlessNameTaken(() =>
        change(before.id, async (trx) => {
          const { action, connection: after } = replacement
          const { id, ...values } = toConnectionRow(after)
          const updated = await trx
            .updateTable('connections')
            .set(values)
            .where('id', '=', id)
            .where('version', '=', before.version)
            .executeTakeFirst()
          if (updated.numUpdatedRows === 0n) return 'conflict' as const
          if (replacement.action !== 'updated') {
            await insertCredential(trx, after, replacement.envelope, actor)
            await destroyOlderEnvelopes(trx, after)
          }
          const views = { before: toView(before), after: toView(after) }
          await audit(trx, { actor, action: `connection.${action}`, subjectId: id, ...views })
          await enqueueChange(trx, after, {
            change: action === 'updated' ? 'updated' : 'rotated',
            restricts: restrictsConnection(before, after),
          })
          return 'stored' as const
        }),
      ),

    /** Deletes the connection with every version of its credential. `conflict`: it is no longer `before`. */
    remove: (before: Connection, actor: Actor): Promise<'removed' | 'conflict'> =>
      change(before.id, async (trx) => {
        const { id, version } = before
        const deleted = await trx
          .deleteFrom('connections')
          .where('id', '=', id)
          .where('version', '=', version)
          .executeTakeFirst()
        if (deleted.numDeletedRows === 0n) return 'conflict'
        await audit(trx, { actor, action: 'connection.deleted', subjectId: id, before: toView(before) })
        await enqueueChange(trx, { ...before, version: version + 1 }, { change: 'deleted', restricts: true })
        return 'removed'
      }),

    /** Returns the current version; undefined when there is no such connection, or it has no stored credential. */
    findCredential: async (
      connectionId: string,
    ): Promise<(StoredCredential & { readonly provider: ProviderId; readonly version: number }) | undefined> => {
      const row = await database.run((db) =>
        selectConnections(db).select('k.envelope').where('c.id', '=', connectionId).executeTakeFirst(),
      )
      if (row === undefined || row.credential_version === null) return undefined
      const { provider } = fromConnectionRow(row)
      const fault = toCredentialFault(row.fault, `the credential fault of connection ${connectionId}`)
      return { provider, version: row.credential_version, envelope: row.envelope, fault }
    },

    /**
     * Sets the fault of a rejection by the provider, or with `undefined` clears it; only on the current version, and
     * never over another fault. Returns the connection's name if that changed anything.
     */
    setRejection: async (
      connectionId: string,
      version: number,
      fault: CredentialFault | undefined,
    ): Promise<string | undefined> => {
      const rows = await database.run((db) =>
        db
          .updateTable('credentials as k')
          .from('connections as c')
          .set({ fault: fault === undefined ? null : JSON.stringify(fault) })
          .whereRef('c.id', '=', 'k.connection_id')
          .whereRef('c.credential_version', '=', 'k.version')
          .where('k.connection_id', '=', connectionId)
          .where('k.version', '=', version)
          .where(fault === undefined ? sql<boolean>`k.fault->>'reason' = ${REJECTED}` : sql<boolean>`k.fault is null`)
          .returning('c.name')
          .execute(),
      )
      return rows[0]?.name
    },

    /** Sets why a version cannot be opened, or with `undefined` clears it; this is not a change of the connection. */
    setCredentialFault: async (
      connectionId: string,
      version: number,
      fault: CredentialFault | undefined,
    ): Promise<void> => {
      await database.run((db) =>
        db
          .updateTable('credentials')
          .set({ fault: fault === undefined ? null : JSON.stringify(fault) })
          .where('connection_id', '=', connectionId)
          .where('version', '=', version)
          .execute(),
      )
    },
  }
}

const REJECTED: CredentialFault['reason'] = 'rejected_by_provider'

async function insertCredential(
  trx: Transaction<Tables>,
  { id, credential }: Connection,
  envelope: Envelope,
  actor: Actor,
): Promise<void> {
  if (credential === undefined) throw new Error('a credential is stored with its summary')
  await trx
    .insertInto('credentials')
    .values({
      connection_id: id,
      version: credential.version,
      envelope: JSON.stringify(envelope),
      hint: credential.hint,
      created_at: credential.rotatedAt,
      created_by: actor.label,
      restores: credential.restores ?? null,
    })
    .execute()
}

/** Destroys the envelopes of the versions that are neither current nor previous. */
async function destroyOlderEnvelopes(trx: Transaction<Tables>, { id, credential }: Connection): Promise<void> {
  if (credential === undefined) return
  await trx
    .updateTable('credentials')
    .set({ envelope: null, fault: null })
    .where('connection_id', '=', id)
    .where('version', '<', credential.version - 1)
    .where('envelope', 'is not', null)
    .execute()
}

function enqueueChange(
  trx: Transaction<Tables>,
  { id, name, version }: Connection,
  { change, restricts }: { readonly change: ConnectionChange['change']; readonly restricts: boolean },
): Promise<void> {
  return enqueue(trx, { kind: 'connection', change: { connectionId: id, name, change, version } }, { restricts })
}

async function unlessNameTaken<T>(work: () => Promise<T>): Promise<T | 'name_taken'> {
  try {
    return await work()
  } catch (error) {
    if (violatesUnique(error, 'connections_name_key')) return 'name_taken'
    throw error
  }
}
