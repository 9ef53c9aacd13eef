import { type ResponseBatch, SluiceError } from '@sluice/contracts'
import { UnprocessableMessageError } from '@sluice/messaging'
import { isRefusedData, isTransient } from '@sluice/postgres'
import type { Kysely } from 'kysely'
import pg from 'pg'
import type { RetentionDays } from '../rollup/granularity.ts'
import { rollUp } from '../rollup/rollup.ts'
import type { UsageCells } from '../rollup/usage-points.ts'
import { addRollups } from './add-rollups.ts'
import { admitNames, forgetNames } from './admit-names.ts'
import { claimBatches, forgetGateways, isClaimed } from './claim-batches.ts'
import { downsampleOnce, readRetentionStarts, shareRetentionStarts } from './downsample.ts'
import { dropPartitions, partitionsAhead } from './partitions.ts'
import type { Tables } from './schema.ts'
import { selectCells, type UsageQuery } from './select-cells.ts'

export interface UsageStoreOptions {
  readonly db: Kysely<Tables>
  readonly retentionDays: RetentionDays
  /** Unix milliseconds. */
  readonly now: () => number
}

export type UsageStore = ReturnType<typeof postgresUsageStore>

/**
 * Usage in PostgreSQL, in rollups of a minute, and older usage in rollups of an hour and a day. Any number of
 * instances may record and downsample at the same time, and be interrupted anywhere.
 */
export function postgresUsageStore({ db, retentionDays, now }: UsageStoreOptions) {
  const partitions = partitionsAhead(db, retentionDays)
  return {
    /**
     * Adds up the batches' events in one transaction of a few statements, each batch once: a batch whose name (gateway
     * and number) was recorded before adds nothing.
     * @throws UnprocessableMessageError when a batch can never be stored; after any other error it may be tried again
     */
    async record(batches: readonly ResponseBatch[]): Promise<void> {
      const nowMs = now()
      await partitions.ensure(nowMs)
      try {
        await db.transaction().execute(async (transaction) => {
          await shareRetentionStarts(transaction)
          const claimed = await claimBatches(transaction, batches)
          if (claimed.length === 0) return
          const rollups = rollUp(claimed, await readRetentionStarts(transaction), nowMs)
          await addRollups(transaction, await admitNames(transaction, rollups))
        })
      } catch (error) {
        if (!isRefusedData(error) || isMissingPartition(error)) throw error
        throw new UnprocessableMessageError('PostgreSQL refuses the data', { cause: error })
      }
    },

    /** Returns whether a batch of this name was recorded; true for a batch that can never be stored, too. */
    async hasRecorded(batch: Pick<ResponseBatch, 'gateway' | 'batch'>): Promise<boolean> {
      try {
        return await isClaimed(db, batch)
      } catch (error) {
        if (isRefusedData(error)) return true
        throw error
      }
    },

    /**
     * Returns the stored usage for a query by time and group, at most `maxCells` cells of each kind.
     * @throws SluiceError `unavailable` while PostgreSQL is unreachable, `invalid_request` for a time or name that it cannot represent
     */
    async cells(query: UsageQuery, maxCells: number): Promise<UsageCells> {
      try {
        await partitions.ensure(now())
        return await selectCells(db, query, maxCells)
      } catch (error) {
        if (isRefusedData(error)) {
          throw new SluiceError('invalid_request', 'The time, step or name of the query is out of range.', {
            cause: error,
          })
        }
        throw isTransient(error)
          ? new SluiceError('unavailable', 'Usage is temporarily unavailable.', { cause: error })
          : error
      }
    },

    /**
     * Adds usage that is old enough to the next longer rollups, and drops usage past its retention. Stops early,
     * between two transactions, once the signal is aborted.
     */
    async downsample(signal?: AbortSignal): Promise<void> {
      await partitions.ensure(now())
      // Each move is a transaction of its own, between which recording goes on.
      let hasMore = true
      while (hasMore && !signal?.aborted) hasMore = await downsampleOnce(db, retentionDays, now())
      await dropPartitions(db)
      await forgetNames(db, now() - NAMES_KEPT_MS)
    },

    /**
     * Forgets which batches came from gateways that have recorded nothing for `ageMs`. Returns the number of such
     * gateways.
     */
    forgetGateways(ageMs: number): Promise<number> {
      return forgetGateways(db, ageMs)
    },
  }
}

/** Longer than the stream keeps a day's events. */
const NAMES_KEPT_MS = 7 * 86_400_000

/** The data can be stored once its partition exists. */
function isMissingPartition(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.code === CHECK_VIOLATION
}

/** PostgreSQL's code for a row that no partition takes. No table has a check of its own. */
const CHECK_VIOLATION = '23514'
