import { type ResponseBatch, SluiceError } from '@sluice/contracts'
import { readStored } from '@sluice/postgres'
import { type Kysely, sql, type Transaction } from 'kysely'
import { Type } from 'typebox'
import type { Tables } from './schema.ts'

/**
 * Marks the batches as recorded, and returns those that were not recorded before, each once. A concurrent transaction
 * that claims batches of one of their gateways waits for this one's outcome.
 */
export async function claimBatches(
  transaction: Transaction<Tables>,
  batches: readonly ResponseBatch[],
): Promise<ResponseBatch[]> {
  const byName = new Map(batches.map((batch) => [batchName(batch), batch]))
  const names = JSON.stringify([...byName.values()].map(({ gateway, batch }) => ({ gateway, batch })))
  const { rows } = await sql`
    with locked as (
      insert into usage.gateways as known (gateway, recorded_batches, last_recorded_at)
      select distinct gateway, int8multirange(), now()
      from json_to_recordset(${names}) as name (gateway text)
      order by gateway
      on conflict (gateway) do update set last_recorded_at = excluded.last_recorded_at
      returning gateway, recorded_batches
    )
    select gateway, batch
    from json_to_recordset(${names}) as name (gateway text, batch bigint)
    join locked using (gateway)
    where not recorded_batches @> batch`.execute(transaction)
  const claimed = readStored(BatchRows, rows, 'the names of batches')
  if (claimed.length > 0) await markRecorded(transaction, claimed)
  return claimed.map((row) => {
    const batch = byName.get(batchName(row))
    if (batch === undefined) throw new SluiceError('internal', `batch ${batchName(row)} was claimed and not sent`)
    return batch
  })
}

/** Returns whether a batch of this name was claimed by a transaction that was committed. */
export async function isClaimed(
  db: Kysely<Tables>,
  { gateway, batch }: Pick<ResponseBatch, 'gateway' | 'batch'>,
): Promise<boolean> {
  const row = await db
    .selectFrom('usage.gateways')
    .select(sql`recorded_batches @> ${batch}::bigint`.as('is_claimed'))
    .where('gateway', '=', gateway)
    .executeTakeFirst()
  return row !== undefined && readStored(ClaimRow, row, 'the recorded batches of a gateway').is_claimed
}

/** Deletes the gateways that recorded nothing for `ageMs`. Returns their number. */
export async function forgetGateways(db: Kysely<Tables>, ageMs: number): Promise<number> {
  const deleted = await db
    .deleteFrom('usage.gateways')
    .where('last_recorded_at', '<', sql<Date>`now() - make_interval(secs => ${ageMs / 1_000})`)
    .executeTakeFirst()
  return Number(deleted.numDeletedRows)
}

async function markRecorded(
  transaction: Transaction<Tables>,
  names: readonly { readonly gateway: string; readonly batch: number }[],
): Promise<void> {
  await sql`
    update usage.gateways
    set recorded_batches = recorded_batches + added.batches
    from (
      select gateway, range_agg(int8range(batch, batch, '[]')) as batches
      from json_to_recordset(${JSON.stringify(names)}) as name (gateway text, batch bigint)
      group by gateway
    ) as added
    where gateways.gateway = added.gateway`.execute(transaction)
}

function batchName({ gateway, batch }: { readonly gateway: string; readonly batch: number }): string {
  return `${gateway}-${batch}`
}

const BatchRows = Type.Array(Type.Object({ gateway: Type.String(), batch: Type.Integer() }))
const ClaimRow = Type.Object({ is_claimed: Type.Boolean() })
