import { type Selectable, sql } from 'kysely'
import type { StoredCredential } from '../connections/connection-store.ts'
import type { Database } from '../database/database.ts'
import type { CredentialTable } from '../database/tables.ts'
import type { EnvelopeKey } from '../keys/envelope.ts'
import type { RecordedVersion } from './credential-versions.ts'

/**
 * The versions of the connections' credentials, those of the past too. Every method throws SluiceError `unavailable` when the store
 * cannot be reached.
 */
export interface CredentialHistory {
  /** Those below `before`, descending. */
  list(
    connectionId: string,
    page: { readonly before: number; readonly limit: number },
  ): Promise<readonly RecordedVersion[]>
  /** Undefined when there is no such version. */
  find(
    connectionId: string,
    version: number,
  ): Promise<{ readonly recorded: RecordedVersion; readonly stored: StoredCredential } | undefined>
  /** Destroys the envelopes of the versions that were replaced at `instant` or before; tells which they were. */
  destroyReplacedBefore(instant: Date): Promise<readonly { readonly connectionId: string; readonly version: number }[]>
}

export function createCredentialHistory(database: Database): CredentialHistory {
  return {
    list: async (connectionId, { before, limit }) => {
      const rows = await database.run((db) =>
        db
          .selectFrom('credentials')
          .selectAll()
          .where('connection_id', '=', connectionId)
          .where('version', '<', before)
          .orderBy('version', 'desc')
          .limit(limit)
          .execute(),
      )
      return rows.map(toRecordedVersion)
    },
    find: async (connectionId, version) => {
      const row = await database.run((db) =>
        db
          .selectFrom('credentials')
          .selectAll()
          .where('connection_id', '=', connectionId)
          .where('version', '=', version)
          .executeTakeFirst(),
      )
      if (row === undefined) return undefined
      return { recorded: toRecordedVersion(row), stored: { envelope: row.envelope, fault: row.fault ?? undefined } }
    },
    destroyReplacedBefore: async (instant) => {
      const rows = await database.run((db) =>
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
      )
      return rows
    },
  }
}

function toRecordedVersion(row: Selectable<CredentialTable>): RecordedVersion {
  const { version, hint, created_at: rotatedAt, created_by: createdBy, restores, fault, envelope } = row
  const { keyService, keyId } = (envelope ?? {}) as Partial<EnvelopeKey>
  return {
    version,
    hint,
    rotatedAt,
    ...(createdBy === null ? {} : { createdBy }),
    ...(restores === null ? {} : { restores }),
    ...(keyService === undefined || keyId === undefined ? {} : { wrappedUnder: { keyService, keyId } }),
    ...(fault === null ? {} : { fault }),
  }
}
