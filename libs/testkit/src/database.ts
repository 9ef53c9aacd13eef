import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { databaseAdminUrl } from './run-context.ts'

export interface TestDatabase {
  readonly url: string
  /** Removes it, ending connections that are still open. */
  drop(): Promise<void>
}

/** A fresh, empty database on the run's PostgreSQL, for the caller alone. */
export async function testDatabase(): Promise<TestDatabase> {
  const name = `test_${randomBytes(8).toString('hex')}`
  await administer(`create database ${name}`)
  const url = new URL(databaseAdminUrl())
  url.pathname = `/${name}`
  return { url: url.href, drop: () => administer(`drop database if exists ${name} with (force)`) }
}

async function administer(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseAdminUrl() })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}
