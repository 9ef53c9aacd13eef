import { DeadLetterView, SluiceError, storableText } from '@sluice/contracts'
import type { DeadLetter } from '@sluice/messaging'
import { counter, type Logger } from '@sluice/service-kit'
import { type QueryExecutorProvider, sql } from 'kysely'
import { Type } from 'typebox'
import { isTransient } from './errors.ts'
import { readStored, StoredInstant } from './stored-rows.ts'

/**
 * Dead letters of a service: messages of the stream `RESPONSES` that it can never process, kept for inspection in the
 * table `<schema>.dead_letters`. Each is stored once however often it is delivered, logged, and counted as
 * `sluice_dead_letters_total`.
 */
export interface DeadLetters {
  /**
   * Stores a message. Of very many, the newest {@link MAX_DEAD_LETTERS} are kept; of a long one, the first
   * {@link MAX_DEAD_LETTER_BYTES}.
   */
  readonly store: (letter: DeadLetter) => Promise<void>
  /**
   * Returns how many are kept, and the newest of them, newest first.
   * @throws SluiceError `unavailable` while PostgreSQL is unreachable
   */
  readonly summary: () => Promise<{ readonly count: number; readonly latest: DeadLetterView[] }>
}

export const MAX_DEAD_LETTERS = 1_000
export const MAX_DEAD_LETTER_BYTES = 65_536

/** Returns the statement that creates the table, for a migration. */
export function createDeadLetterTable(schema: string): string {
  return `create table ${schema}.dead_letters (
    stream_sequence bigint primary key,
    subject text not null,
    reason text not null,
    data bytea not null,
    dead_lettered_at timestamptz not null
  )`
}

export interface DeadLettersOptions {
  readonly db: QueryExecutorProvider
  readonly schema: string
  readonly logger: Pick<Logger, 'error'>
  /** Unix milliseconds. */
  readonly now: () => number
}

export function postgresDeadLetters({ db, schema, logger, now }: DeadLettersOptions): DeadLetters {
  const table = sql.table(`${schema}.dead_letters`)
  const stored = counter('dead_letters', 'Stream messages that could not be processed and were kept as dead letters.')
  // Present as 0 before the first: an alert on it needs no special case.
  stored.add(0)
  return {
    store: async ({ subject, streamSequence, reason, data }) => {
      // A stream that was created again numbers its messages from 1 again.
      await sql`
        insert into ${table} (stream_sequence, subject, reason, data, dead_lettered_at)
        values (
          ${streamSequence}, ${storableText(subject, MAX_TEXT_CHARS)}, ${storableText(reason, MAX_TEXT_CHARS)},
          ${Buffer.from(data.subarray(0, MAX_DEAD_LETTER_BYTES))}, ${new Date(now())}
        )
        on conflict (stream_sequence) do update set
          subject = excluded.subject, reason = excluded.reason, data = excluded.data,
          dead_lettered_at = excluded.dead_lettered_at`.execute(db)
      await sql`
        delete from ${table} where stream_sequence in (
          select stream_sequence from ${table}
          order by dead_lettered_at desc, stream_sequence desc offset ${MAX_DEAD_LETTERS}
        )`.execute(db)
      stored.add(1)
      logger.error({ subject, streamSequence, reason }, 'a message cannot be processed and was kept as a dead letter')
    },
    summary: async () => {
      try {
        return { count: await countAll(), latest: await newest() }
      } catch (error) {
        if (!isTransient(error)) throw error
        throw new SluiceError('unavailable', 'Dead letters are temporarily unavailable.', { cause: error })
      }
    },
  }

  async function countAll(): Promise<number> {
    const { rows } = await sql`select count(*) as count from ${table}`.execute(db)
    return readStored(CountRows, rows, 'the number of dead letters')[0].count
  }

  async function newest(): Promise<DeadLetterView[]> {
    const { rows } = await sql`
      select stream_sequence as "streamSequence", subject, reason, dead_lettered_at as "deadLetteredAt"
      from ${table} order by dead_lettered_at desc, stream_sequence desc limit ${LISTED_DEAD_LETTERS}`.execute(db)
    return rows.map((row) => {
      const { deadLetteredAt, ...letter } = readStored(DeadLetterRow, row, 'a dead letter')
      return { ...letter, deadLetteredAtMs: deadLetteredAt.getTime() }
    })
  }
}

const CountRows = Type.Tuple([Type.Object({ count: Type.Integer({ minimum: 0 }) })])

const DeadLetterRow = Type.Object({
  ...Type.Omit(DeadLetterView, ['deadLetteredAtMs']).properties,
  deadLetteredAt: StoredInstant,
})

const MAX_TEXT_CHARS = 1_000
const LISTED_DEAD_LETTERS = 20
