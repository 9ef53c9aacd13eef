import { type Kysely, sql } from 'kysely'
import type { Database } from '../database/database.ts'
import type { Tables } from '../database/tables.ts'
import {
  type CredentialOwner,
  credentialContext,
  type Envelope,
  type EnvelopeContext,
  type EnvelopeKey,
  sealingKeyContext,
} from './envelope.ts'

/** An envelope as it is stored, and what it belongs to. */
export interface StoredEnvelope {
  /** A version of a connection's credential, or the service's own sealing key. */
  readonly owner: Pick<CredentialOwner, 'connectionId' | 'version'> | 'sealing-key'
  readonly context: EnvelopeContext
  /** Not validated. */
  readonly envelope: unknown
}

/** Every stored envelope, previous versions included, for its data key to be rewrapped. */
export type EnvelopeStore = ReturnType<typeof createEnvelopeStore>

export function createEnvelopeStore(database: Database) {
  return {
    /** Counts the envelopes that are under another key than `key`. */
    countOthers: async (key: EnvelopeKey): Promise<number> => {
      const counts = await Promise.all(
        (['credentials', 'sealing_key'] as const).map((table) =>
          database.run((db) =>
            db
              .selectFrom(table)
              .select((select) => select.fn.countAll<string>().as('count'))
              .where(isUnderAnother(key))
              .executeTakeFirstOrThrow(),
          ),
        ),
      )
      return counts.reduce((sum, { count }) => sum + Number(count), 0)
    },

    /** Yields each envelope that is under another key than `key` once, reading batches as the consumer goes on. */
    others: async function* (key: EnvelopeKey): AsyncGenerator<StoredEnvelope> {
      let after: Position | undefined
      do {
        const batch = await database.run((db) => credentialsAfter(db, key, after))
        for (const row of batch) yield toStoredCredential(row)
        after = batch.length < BATCH_ROWS ? undefined : batch.at(-1)
      } while (after !== undefined)
      const sealingKey = await database.run((db) =>
        db.selectFrom('sealing_key').selectAll().where(isUnderAnother(key)).executeTakeFirst(),
      )
      if (sealingKey === undefined) return
      const { public_key: publicKey, envelope } = sealingKey
      yield { owner: 'sealing-key', context: sealingKeyContext(publicKey), envelope }
    },

    /** Replaces one envelope by compare-and-set. `changed`: it was replaced or deleted since it was read. */
    replace: async (
      { owner, envelope: before }: StoredEnvelope,
      envelope: Envelope,
    ): Promise<'replaced' | 'changed'> => {
      const after = JSON.stringify(envelope)
      const isAsRead = sql<boolean>`envelope = ${JSON.stringify(before)}::jsonb`
      const { numUpdatedRows } = await database.run((db) =>
        owner === 'sealing-key'
          ? db.updateTable('sealing_key').set({ envelope: after }).where(isAsRead).executeTakeFirst()
          : db
              .updateTable('credentials')
              .set({ envelope: after })
              .where('connection_id', '=', owner.connectionId)
              .where('version', '=', owner.version)
              .where(isAsRead)
              .executeTakeFirst(),
      )
      return numUpdatedRows === 1n ? 'replaced' : 'changed'
    },
  }
}

interface Position {
  readonly connection_id: string
  readonly version: number
}

function credentialsAfter(db: Kysely<Tables>, key: EnvelopeKey, after: Position | undefined) {
  const query = db
    .selectFrom('credentials as k')
    .innerJoin('connections as c', 'c.id', 'k.connection_id')
    .select(['k.connection_id', 'k.version', 'k.envelope', 'c.provider'])
    .where(isUnderAnother(key))
    .orderBy('k.connection_id')
    .orderBy('k.version')
    .limit(BATCH_ROWS)
  if (after === undefined) return query.execute()
  return query.where(sql<boolean>`(k.connection_id, k.version) > (${after.connection_id}, ${after.version})`).execute()
}

type Row = Awaited<ReturnType<typeof credentialsAfter>>[number]

function toStoredCredential({ connection_id: connectionId, version, provider, envelope }: Row): StoredEnvelope {
  return {
    owner: { connectionId, version },
    context: credentialContext({ connectionId, provider, version }),
    envelope,
  }
}

/** Includes values that are not envelopes, so that they are reported, and excludes destroyed ones. */
function isUnderAnother({ keyService, keyId }: EnvelopeKey) {
  return sql<boolean>`envelope is not null and (envelope->>'keyService', envelope->>'keyId') is distinct from (${keyService}::text, ${keyId}::text)`
}

const BATCH_ROWS = 200
