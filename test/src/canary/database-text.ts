import type { DatabaseUrls } from '@sluice/local-servers'
import pg from 'pg'

/** Every row of every table of Sluice, as text; binary columns as what they are. */
export async function databaseText(urls: DatabaseUrls): Promise<string> {
  const texts = await Promise.all(Object.values(urls).map(ownedText))
  return texts.join('\n')
}

/** What the tables of the URL's user hold. */
async function ownedText(url: string): Promise<string> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const tables = await client.query<{ name: string }>(
      `select format('%I.%I', schemaname, tablename) as name from pg_tables where tableowner = current_user`,
    )
    const written: string[] = []
    for (const { name } of tables.rows) {
      const { rows } = await client.query<Record<string, unknown>>(`select t::text as row, t.* from ${name} t`)
      const values = rows.flatMap((row) => Object.values(row))
      written.push(name, ...values.map((value) => (Buffer.isBuffer(value) ? value.toString('latin1') : asText(value))))
    }
    return written.join('\n')
  } finally {
    await client.end()
  }
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
