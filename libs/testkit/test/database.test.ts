import pg from 'pg'
import { expect, it } from 'vitest'
import { testDatabase } from '../src/database.ts'

it('gives each caller a database of its own, and drops it under open connections', async () => {
  const [one, other] = await Promise.all([testDatabase('usage'), testDatabase('usage')])
  const client = await connected(one.url)
  await client.query('create table usage.mine (id int)')
  const otherClient = await connected(other.url)
  await expect(otherClient.query('select * from usage.mine')).rejects.toMatchObject({ code: '42P01' })
  await otherClient.end()
  const ended = new Promise((resolve) => client.once('end', resolve))
  await Promise.all([one.drop(), other.drop()])
  await ended
  await expect(connected(one.url)).rejects.toMatchObject({ code: '3D000' })
})

async function connected(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  // The server ends the connections to a database that it drops.
  client.on('error', () => undefined)
  await client.connect()
  return client
}
