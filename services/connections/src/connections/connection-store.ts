import type { CredentialFault, ProviderId } from '@sluice/contracts'
import { sql, type Transaction } from 'kysely'
import type { Actor } from '../audit/audit-entry.ts'
import { type Database, violatesUnique } from '../database/database.ts'
import { audit, enqueue } from '../database/record-change.ts'
import type { Tables } from '../database/tables.ts'
import type { Envelope } from '../keys/envelope.ts'
import { takesAwayFromConnection } from '../restrictions.ts'
import { type Connection, toView } from './connection.ts'
import { fromRow, selectConnections, toRow } from './connection-rows.ts'

export interface ConnectionQuery {
  /** Part of the name or the description, in any case. */
  readonly search?: string
  readonly provider?: ProviderId
  /** Only connections with a greater name. */
  readonly afterName?: string
  readonly limit: number
}

/** A new version of a connection's credential; its number and hint are in the connection's summary. */
export interface NewCredential {
  readonly envelope: Envelope
}

/** What is to take the place of a connection, and what has happened to it in the words of the audit log. */
export type ConnectionReplacement =
  | { readonly what: 'updated'; readonly connection: Connection }
  | {
      readonly what: 'rotated' | 'rolled-back'
      readonly connection: Connection
      readonly credential: NewCredential
    }

export interface StoredCredential {
  /** Whatever is stored. */
  readonly envelope: unknown
  /** Why it could not be opened when it was last asked for. */
  readonly fault: CredentialFault | undefined
}

/**
 * The connections. Each change is one transaction with its audit row and its outbox entry, so that none of the three is ever there
 * without the others. Every method throws SluiceError `unavailable` when the store cannot be reached.
 */
export interface ConnectionStore {
  /** By name, ascending. */
  list(query: ConnectionQuery): Promise<readonly Connection[]>
  find(id: string): Promise<Connection | undefined>
  /** Those of `ids` that are connections. */
  existing(ids: readonly string[]): Promise<ReadonlySet<string>>
  insert(connection: Connection, credential: NewCredential | undefined, actor: Actor): Promise<'stored' | 'name_taken'>
  /**
   * With a new version of the credential, destroys the envelopes of all but that one and the one before. `conflict`: the stored
   * connection is no longer `before`.
   */
  replace(
    before: Connection,
    replacement: ConnectionReplacement,
    actor: Actor,
  ): Promise<'stored' | 'name_taken' | 'conflict'>
  /** Removes the connection with every version of its credential. `conflict`: it is no longer `before`. */
  remove(before: Connection, actor: Actor): Promise<'removed' | 'conflict'>
  /** The current version; undefined when there is no such connection or it has no stored credential. */
  findCredential(
    connectionId: string,
  ): Promise<(StoredCredential & { readonly provider: ProviderId; readonly version: number }) | undefined>
  /**
   * Notes that the provider rejects a version, or with `undefined` that it takes it: of the current one, where nothing else is noted. Returns
   * the connection's name where that changed what was noted.
   */
  noteRejection(connectionId: string, version: number, fault: CredentialFault | undefined): Promise<string | undefined>
  /** Notes that a version could not be opened, or with `undefined` that it could; it is no change of the connection. */
  noteCredentialFault(connectionId: string, version: number, fault: CredentialFault | undefined): Promise<void>
}

/** Connections in PostgreSQL. `onCommitted` is awaited after each change, with the connection's id. */
export function createConnectionStore(database: Database, onCommitted: (id: string) => Promise<void>): ConnectionStore {
  const change = async <T>(id: string, work: (trx: Transaction<Tables>) => Promise<T>): Promise<T> => {
    const result = await database.transaction(work)
    await onCommitted(id)
    return result
  }
  return {
    list: (query) => list(database, query),
    find: async (id) => {
      const row = await database.run((db) => selectConnections(db).where('c.id', '=', id).executeTakeFirst())
      return row === undefined ? undefined : fromRow(row)
    },
    existing: async (ids) => {
      if (ids.length === 0) return new Set()
      const rows = await database.run((db) =>
        db.selectFrom('connections').select('id').where('id', 'in', ids).execute(),
      )
      return new Set(rows.map(({ id }) => id))
    },
    insert: (connection, credential, actor) =>
      unlessNameTaken(() =>
        change(connection.id, async (trx) => {
          await trx.insertInto('connections').values(toRow(connection)).execute()
          await insertCredential(trx, connection, credential, actor)
          const after = toView(connection)
          await audit(trx, { actor, action: 'connection.created', subjectId: connection.id, after })
          await enqueueChange(trx, connection, 'created', connection.version, false)
          return 'stored' as const
        }),
      ),
    replace: (before, replacement, actor) =>
      unlessNameTaken(() =>
        change(before.id, async (trx) => {
          const { what, connection: after } = replacement
          const { id, ...values } = toRow(after)
          const updated = await trx
            .updateTable('connections')
            .set(values)
            .where('id', '=', id)
            .where('version', '=', before.version)
            .executeTakeFirst()
          if (updated.numUpdatedRows === 0n) return 'conflict' as const
          if (replacement.what !== 'updated') {
            await insertCredential(trx, after, replacement.credential, actor)
            await destroyOlder(trx, after)
          }
          const views = { before: toView(before), after: toView(after) }
          await audit(trx, { actor, action: `connection.${what}`, subjectId: id, ...views })
          const change = what === 'updated' ? what : 'rotated'
          await enqueueChange(trx, after, change, after.version, takesAwayFromConnection(before, after))
          return 'stored' as const
        }),
      ),
    remove: (before, actor) =>
      change(before.id, async (trx) => {
        const { id, version } = before
        const deleted = await trx
          .deleteFrom('connections')
          .where('id', '=', id)
          .where('version', '=', version)
          .executeTakeFirst()
        if (deleted.numDeletedRows === 0n) return 'conflict'
        await audit(trx, { actor, action: 'connection.deleted', subjectId: id, before: toView(before) })
        await enqueueChange(trx, before, 'deleted', version + 1, true)
        return 'removed'
      }),
    findCredential: async (connectionId) => {
      const row = await database.run((db) =>
        selectConnections(db).select('k.envelope').where('c.id', '=', connectionId).executeTakeFirst(),
      )
      if (row === undefined || row.credential_version === null) return undefined
      return {
        provider: row.provider as ProviderId,
        version: row.credential_version,
        envelope: row.envelope,
        fault: row.fault ?? undefined,
      }
    },
    noteRejection: async (connectionId, version, fault) => {
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
    noteCredentialFault: async (connectionId, version, fault) => {
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

async function list(database: Database, { search, provider, afterName, limit }: ConnectionQuery) {
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
  return rows.map(fromRow)
}

async function insertCredential(
  trx: Transaction<Tables>,
  { id, credential: summary }: Connection,
  credential: NewCredential | undefined,
  actor: Actor,
): Promise<void> {
  if (credential === undefined || summary === undefined) return
  await trx
    .insertInto('credentials')
    .values({
      connection_id: id,
      version: summary.version,
      envelope: JSON.stringify(credential.envelope),
      hint: summary.hint,
      created_at: summary.rotatedAt,
      created_by: actor.label,
      restores: summary.restores ?? null,
    })
    .execute()
}

/** Of the versions that are neither current nor previous. */
async function destroyOlder(trx: Transaction<Tables>, { id, credential }: Connection): Promise<void> {
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
  { id, name }: Connection,
  change: 'created' | 'updated' | 'rotated' | 'deleted',
  version: number,
  takesAway: boolean,
): Promise<void> {
  return enqueue(trx, { kind: 'connection', change: { connectionId: id, name, change, version } }, takesAway)
}

async function unlessNameTaken<T>(work: () => Promise<T>): Promise<T | 'name_taken'> {
  try {
    return await work()
  } catch (error) {
    if (violatesUnique(error, 'connections_name_key')) return 'name_taken'
    throw error
  }
}
