import { type Selectable, sql } from 'kysely'
import type { RecordedVersion } from '../../domain/credential-version.ts'
import type { EnvelopeKey } from '../../domain/envelope.ts'
import type { CredentialHistory } from '../../ports/credential-history.ts'
import type { Database } from './database.ts'
import type { CredentialTable } from './tables.ts'

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
