import { validate } from '@sluice/contracts'
import { type Kysely, type Selectable, sql } from 'kysely'
import type { CredentialSummary } from '../connections/connection.ts'
import { toCredentialFault } from '../connections/connection-rows.ts'
import type { StoredCredential } from '../connections/connection-store.ts'
import type { Database } from '../database/database.ts'
import type { CredentialTable, Tables } from '../database/tables.ts'
import { EnvelopeKey } from '../keys/envelope.ts'

/** One version of a connection's credential as it is stored, without the secret. */
export interface RecordedVersion extends CredentialSummary {
  readonly createdBy: string
  /** The key that its data key is wrapped under; absent once its envelope is destroyed. */
  readonly wrappedUnder?: EnvelopeKey
}

/**
 * All versions of the connections' credentials. Every method throws DatabaseUnreachableError while the database is
 * unreachable.
 */
export type CredentialHistory = ReturnType<typeof createCredentialHistory>

export function createCredentialHistory(database: Database) {
  return {
    /** Returns versions below `before`, descending. */
    list: async (
      connectionId: string,
      { before, limit }: { readonly before: number; readonly limit: number },
    ): Promise<RecordedVersion[]> => {
      const rows = await database.run((db) =>
        selectVersions(db, connectionId)
          .where('version', '<', before)
          .orderBy('version', 'desc')
          .limit(limit)
          .execute(),
      )
      return rows.map(toRecordedVersion)
    },

    find: async (
      connectionId: string,
      version: number,
    ): Promise<{ readonly recorded: RecordedVersion; readonly stored: StoredCredential } | undefined> => {
      const row = await database.run((db) =>
        selectVersions(db, connectionId).where('version', '=', version).executeTakeFirst(),
      )
      if (row === undefined) return undefined
      const recorded = toRecordedVersion(row)
      return { recorded, stored: { envelope: row.envelope, fault: recorded.fault } }
    },

    /**
     * Destroys the envelopes of the versions that were replaced at `instant` or before, and returns which they were.
     */
    destroyReplacedBefore: (
      instant: Date,
    ): Promise<readonly { readonly connectionId: string; readonly version: number }[]> =>
      database.run((db) =>
        db
          .updateTable('credentials as k')
          .set({ envelope: null, fault: null })
          .where('k.envelope', 'is not', null)
          .where(({ exists, selectFrom }) =>
            exists(
              selectFrom('credentials as next')
                .select('next.version')
                .whereRef('next.connection_id', '=', 'k.connection_id')
                .where('next.version', '=', sql<number>`k.version + 1`)
                .where('next.created_at', '<=', instant),
            ),
          )
          .returning(['k.connection_id as connectionId', 'k.version'])
          .execute(),
      ),
  }
}

function selectVersions(db: Kysely<Tables>, connectionId: string) {
  return db.selectFrom('credentials').selectAll().where('connection_id', '=', connectionId)
}

function toRecordedVersion(row: Selectable<CredentialTable>): RecordedVersion {
  const { connection_id: id, version, hint, created_at: rotatedAt, created_by: createdBy, restores, envelope } = row
  const fault = toCredentialFault(row.fault, `the fault of credential ${version} of connection ${id}`)
  // A stored value that is not an envelope has no key; opening it reports the fault.
  const key = validate(EnvelopeKey, envelope)
  return {
    version,
    hint,
    rotatedAt,
    createdBy,
    ...(restores === null ? {} : { restores }),
    ...(key.valid ? { wrappedUnder: { keyService: key.value.keyService, keyId: key.value.keyId } } : {}),
    ...(fault === undefined ? {} : { fault }),
  }
}
