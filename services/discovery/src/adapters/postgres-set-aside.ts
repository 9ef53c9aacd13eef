import { SluiceError, storableText } from '@sluice/contracts'
import { isPassing } from '@sluice/postgres'
import type { Kysely } from 'kysely'
import { type DeadLetters, MAX_KEPT_BYTES, MAX_KEPT_MESSAGES } from '../ports/set-aside.ts'
import type { Tables } from './tables.ts'

/** Messages set aside, in PostgreSQL. */
export function postgresDeadLetters(db: Kysely<Tables>): DeadLetters {
  return {
    put: async ({ streamSequence, subject, reason, deadLetteredAtMs }, data) => {
      const row = {
        stream_sequence: streamSequence,
        subject: storableText(subject, MAX_TEXT_CHARS),
        reason: storableText(reason, MAX_TEXT_CHARS),
        data: Buffer.from(data.subarray(0, MAX_KEPT_BYTES)),
        set_aside_at: new Date(deadLetteredAtMs),
      }
      const { stream_sequence, ...rest } = row
      await db
        .insertInto('discovery.set_aside')
        .values(row)
        // The sequence of a stream that was made anew begins anew.
        .onConflict((conflict) => conflict.column('stream_sequence').doUpdateSet(rest))
        .execute()
      await db
        .deleteFrom('discovery.set_aside')
        .where('stream_sequence', 'in', (query) =>
          query
            .selectFrom('discovery.set_aside')
            .select('stream_sequence')
            .orderBy('set_aside_at', 'desc')
            .orderBy('stream_sequence', 'desc')
            .offset(MAX_KEPT_MESSAGES),
        )
        .execute()
    },
    summary: async () => {
      try {
        return { count: await countOf(db), latest: await latestOf(db) }
      } catch (error) {
        throw isPassing(error) ? new SluiceError('unavailable', 'they cannot be read now', { cause: error }) : error
      }
    },
  }
}

const MAX_TEXT_CHARS = 1_000
const LISTED_MESSAGES = 20

async function countOf(db: Kysely<Tables>): Promise<number> {
  const { count } = await db
    .selectFrom('discovery.set_aside')
    .select((row) => row.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow()
  return Number(count)
}

async function latestOf(db: Kysely<Tables>) {
  const rows = await db
    .selectFrom('discovery.set_aside')
    .select(['stream_sequence', 'subject', 'reason', 'set_aside_at'])
    .orderBy('set_aside_at', 'desc')
    .orderBy('stream_sequence', 'desc')
    .limit(LISTED_MESSAGES)
    .execute()
  return rows.map((row) => ({
    streamSequence: row.stream_sequence,
    subject: row.subject,
    reason: row.reason,
    deadLetteredAtMs: row.set_aside_at.getTime(),
  }))
}
