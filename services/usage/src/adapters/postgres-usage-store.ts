import { type ResponseBatch, SluiceError } from '@sluice/contracts'
import { isPassing, isRefusedData } from '@sluice/postgres'
import { type Kysely, sql, type Transaction } from 'kysely'
import { type Rollup, rollUp } from '../domain/rollup.ts'
import { UnstorableError, type UsageStore } from '../ports/usage-store.ts'
import { selectPoints } from './select-points.ts'
import type { Tables } from './tables.ts'

/** Usage in PostgreSQL. A call of `record` is one transaction of two statements, however many events it holds. */
export function postgresUsageStore(db: Kysely<Tables>): UsageStore {
  return {
    record: async (batches) => {
      try {
        await db.transaction().execute(async (transaction) => {
          const added = rollUp(await claim(transaction, batches))
          if (added.length > 0) await addRollups(transaction, added)
        })
      } catch (error) {
        if (isRefusedData(error)) throw new UnstorableError('PostgreSQL refuses the data', { cause: error })
        throw error
      }
    },
    points: async (query, maxPoints) => {
      try {
        return await selectPoints(db, query, maxPoints)
      } catch (error) {
        throw isPassing(error) ? new SluiceError('unavailable', 'usage cannot be read now', { cause: error }) : error
      }
    },
    forgetBatches: async (ageMs) => {
      const deleted = await db
        .deleteFrom('usage.seen_batches')
        .where('seen_at', '<', sql<Date>`now() - make_interval(secs => ${ageMs / 1_000})`)
        .executeTakeFirst()
      return Number(deleted.numDeletedRows)
    },
  }
}

/**
 * Takes the batches' names, and gives the batches that nobody took before. A transaction that takes one of them at the same
 * time waits for this one's outcome.
 */
async function claim(transaction: Transaction<Tables>, batches: readonly ResponseBatch[]): Promise<ResponseBatch[]> {
  const byName = new Map(batches.map((batch) => [batchName(batch), batch]))
  const names = [...byName.values()].map(({ gateway, batch }) => ({ gateway, batch }))
  const { rows } = await sql<{ gateway: string; batch: number }>`
    insert into usage.seen_batches (gateway, batch)
    select gateway, batch
    from json_to_recordset(${JSON.stringify(names)}) as name (gateway text, batch bigint)
    order by gateway, batch
    on conflict do nothing
    returning gateway, batch`.execute(transaction)
  return rows.flatMap((row) => byName.get(batchName(row)) ?? [])
}

function batchName({ gateway, batch }: { gateway: string; batch: number }): string {
  return `${gateway}-${batch}`
}

async function addRollups(transaction: Transaction<Tables>, rollups: readonly Rollup[]): Promise<void> {
  await sql`
    insert into usage.rollups as stored (
      minute_at, connection_id, model, api_key_id, outcome, denied_by,
      requests, input_tokens, output_tokens, cached_input_tokens, reasoning_tokens
    )
    select
      to_timestamp("minuteAtMs" / 1000.0), "connectionId", model, "apiKeyId", outcome, "deniedBy",
      requests, "inputTokens", "outputTokens", "cachedInputTokens", "reasoningTokens"
    from json_to_recordset(${JSON.stringify(rollups)}) as added (
      "minuteAtMs" bigint, "connectionId" text, model text, "apiKeyId" text, outcome text, "deniedBy" text,
      requests bigint, "inputTokens" bigint, "outputTokens" bigint, "cachedInputTokens" bigint, "reasoningTokens" bigint
    )
    on conflict (connection_id, minute_at, model, api_key_id, outcome, denied_by) do update set
      requests = stored.requests + excluded.requests,
      input_tokens = stored.input_tokens + excluded.input_tokens,
      output_tokens = stored.output_tokens + excluded.output_tokens,
      cached_input_tokens = stored.cached_input_tokens + excluded.cached_input_tokens,
      reasoning_tokens = stored.reasoning_tokens + excluded.reasoning_tokens`.execute(transaction)
}
