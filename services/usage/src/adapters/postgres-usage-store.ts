import { SluiceError } from '@sluice/contracts'
import { isPassing, isRefusedData } from '@sluice/postgres'
import type { Kysely } from 'kysely'
import pg from 'pg'
import type { KeptDays } from '../domain/retention.ts'
import { rollUp } from '../domain/rollup.ts'
import { UnstorableError, type UsageStore, type UsageUpkeep } from '../ports/usage-store.ts'
import { addRollups } from './add-rollups.ts'
import { admitNames, forgetNames } from './admit-names.ts'
import { claimBatches, forgetGateways, isClaimed } from './claim-batches.ts'
import { downsampleOnce } from './coarsen.ts'
import { holdHorizons, readHorizons } from './horizons.ts'
import { dropPartitions, partitionsAhead } from './partitions.ts'
import { selectCells } from './select-cells.ts'
import type { Tables } from './tables.ts'

export interface PostgresUsageStoreOptions {
  readonly db: Kysely<Tables>
  readonly kept: KeptDays
  /** Unix milliseconds. */
  readonly now: () => number
}

/** Usage in PostgreSQL. A call of `record` is one transaction of a few statements, however many events it holds. */
export function postgresUsageStore({ db, kept, now }: PostgresUsageStoreOptions): UsageStore & UsageUpkeep {
  const partitions = partitionsAhead(db, kept)
  return {
    record: async (batches) => {
      const nowMs = now()
      await partitions.ensure(nowMs)
      try {
        await db.transaction().execute(async (transaction) => {
          await holdHorizons(transaction)
          const claimed = await claimBatches(transaction, batches)
          if (claimed.length === 0) return
          const rollups = rollUp(claimed, await readHorizons(transaction), nowMs)
          await addRollups(transaction, await admitNames(transaction, rollups))
        })
      } catch (error) {
        if (isRefusedData(error) && !isMissingPartition(error))
          throw new UnstorableError('PostgreSQL refuses the data', { cause: error })
        throw error
      }
    },
    hasRecorded: async (batch) => {
      try {
        return await isClaimed(db, batch)
      } catch (error) {
        if (isRefusedData(error)) return true
        throw error
      }
    },
    cells: async (query, maxCells) => {
      try {
        await partitions.ensure(now())
        return await selectCells(db, query, maxCells)
      } catch (error) {
        if (isRefusedData(error))
          throw new SluiceError('invalid_request', 'there is no such instant, step or name', { cause: error })
        throw isPassing(error) ? new SluiceError('unavailable', 'usage cannot be read now', { cause: error }) : error
      }
    },
    downsample: async (signal) => {
      await partitions.ensure(now())
      // Each move is a transaction of its own, between which recording goes on.
      let isMoreLeft = true
      while (isMoreLeft && !signal?.aborted) isMoreLeft = await downsampleOnce(db, kept, now())
      await dropPartitions(db)
      await forgetNames(db, now() - NAMES_KEPT_MS)
    },
    forgetGateways: (ageMs) => forgetGateways(db, ageMs),
  }
}

/** Longer than the stream holds a day's events. */
const NAMES_KEPT_MS = 7 * 86_400_000

/** Whatever the partitions lack, the data can be stored once they are there. */
function isMissingPartition(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.code === CHECK_VIOLATION
}

/** PostgreSQL's code for a row that no partition takes. No table has a check of its own. */
const CHECK_VIOLATION = '23514'
