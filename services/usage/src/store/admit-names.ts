import { readStored } from '@sluice/postgres'
import { type Kysely, sql, type Transaction } from 'kysely'
import { Type } from 'typebox'
import {
  foldNames,
  type KnownNames,
  type NamesOwner,
  NO_NAMES,
  ownerKey,
  ownerOf,
  withNamesOf,
} from '../rollup/model-names.ts'
import type { Rollup } from '../rollup/rollup.ts'
import { instant, type Tables } from './schema.ts'

/**
 * Returns the rollups with a bounded number of model names: new names for which there is no room become one. Takes one
 * statement when no name is new, three otherwise. Transactions with new names of one owner wait for each other.
 */
export async function admitNames(transaction: Transaction<Tables>, rollups: readonly Rollup[]): Promise<Rollup[]> {
  const owners = byOwner(rollups)
  if (owners.length === 0) return []
  const known = await readNames(transaction, owners)
  const growing = owners.filter((owner) => grown(owner, known) !== undefined)
  if (growing.length > 0) {
    // Names that another transaction has added meanwhile are visible once this one has locked the rows.
    for (const [key, names] of await lockNames(transaction, growing)) known.set(key, names)
    const rows = growing.flatMap((owner) => {
      const names = grown(owner, known)
      if (names === undefined) return []
      known.set(owner.key, names)
      return [{ ...owner.owner, ...names }]
    })
    if (rows.length > 0) await writeNames(transaction, rows)
  }
  return foldNames(rollups, known)
}

/**
 * Deletes the names of days that began before `beforeMs`, Unix milliseconds. Later events of such a day start with no
 * names.
 */
export async function forgetNames(db: Kysely<Tables>, beforeMs: number): Promise<void> {
  await db.deleteFrom('usage.model_names').where('day', '<', instant(beforeMs)).execute()
}

interface OwnRollups {
  readonly key: string
  readonly owner: NamesOwner
  readonly rollups: Rollup[]
}

/** Returns them in the order of their keys, so that all transactions lock in one order. */
function byOwner(rollups: readonly Rollup[]): OwnRollups[] {
  const owners = new Map<string, OwnRollups>()
  for (const rollup of rollups) {
    const owner = ownerOf(rollup)
    const key = ownerKey(owner)
    const own = owners.get(key)
    if (own === undefined) owners.set(key, { key, owner, rollups: [rollup] })
    else own.rollups.push(rollup)
  }
  return [...owners.values()].sort((a, b) => (a.key < b.key ? -1 : 1))
}

/** Returns the owner's names with new ones; undefined when there are none, or no room for them. */
function grown({ key, rollups }: OwnRollups, known: ReadonlyMap<string, KnownNames>): KnownNames | undefined {
  const before = known.get(key) ?? NO_NAMES
  const after = withNamesOf(before, rollups)
  return after === before ? undefined : after
}

const NamesRows = Type.Array(
  Type.Object({
    dayMs: Type.Integer(),
    connectionId: Type.String(),
    apiKeyId: Type.String(),
    served: Type.Array(Type.String()),
    tried: Type.Array(Type.String()),
  }),
)

async function readNames(
  transaction: Transaction<Tables>,
  owners: readonly OwnRollups[],
): Promise<Map<string, KnownNames>> {
  const { rows } = await sql`
    select ${COLUMNS} from json_to_recordset(${ownersJson(owners)}) as owner (${OWNER})
    join usage.model_names as names on ${IS_OWN}`.execute(transaction)
  return asMap(rows)
}

/** Inserts the rows that are missing, and locks all of them until the transaction ends. */
async function lockNames(
  transaction: Transaction<Tables>,
  owners: readonly OwnRollups[],
): Promise<Map<string, KnownNames>> {
  const { rows } = await sql`
    insert into usage.model_names as names (day, connection_id, api_key_id, served, tried)
    select to_timestamp("dayMs" / 1000.0), "connectionId", "apiKeyId", '{}', '{}'
    from json_to_recordset(${ownersJson(owners)}) as owner (${OWNER})
    on conflict (connection_id, api_key_id, day) do update set served = names.served
    returning ${COLUMNS}`.execute(transaction)
  return asMap(rows)
}

async function writeNames(transaction: Transaction<Tables>, rows: readonly (NamesOwner & KnownNames)[]): Promise<void> {
  await sql`
    update usage.model_names as names set served = owner.served, tried = owner.tried
    from json_to_recordset(${JSON.stringify(rows)}) as owner (${OWNER}, served text[], tried text[])
    where ${IS_OWN}`.execute(transaction)
}

const OWNER = sql`"dayMs" bigint, "connectionId" text, "apiKeyId" text`
const IS_OWN = sql`names.day = to_timestamp(owner."dayMs" / 1000.0)
  and names.connection_id = owner."connectionId" and names.api_key_id = owner."apiKeyId"`
const COLUMNS = sql`(extract(epoch from names.day) * 1000)::bigint as "dayMs", names.connection_id as "connectionId",
  names.api_key_id as "apiKeyId", names.served, names.tried`

function ownersJson(owners: readonly OwnRollups[]): string {
  return JSON.stringify(owners.map(({ owner }) => owner))
}

function asMap(rows: readonly unknown[]): Map<string, KnownNames> {
  const stored = readStored(NamesRows, rows, 'the names of models')
  return new Map(stored.map(({ served, tried, ...owner }) => [ownerKey(owner), { served, tried }]))
}
