import { createHash, randomBytes } from 'node:crypto'
import {
  createRoles,
  DATABASE_SERVICES,
  type DatabaseService,
  type DatabaseUrls,
  forEachService,
  inDatabase,
  type RolePasswords,
  roleOf,
  roleUrls,
  setRolePasswords,
} from '@sluice/local-servers'
import pg from 'pg'
import { databaseAdminUrl } from './run-context.ts'

export interface TestDatabase {
  /** For the service that the database was made for: with its role, which owns the schema of its name and nothing else. */
  readonly url: string
  /** For each service, with its role. */
  readonly urls: DatabaseUrls
  /** Removes the database and closes connections that are still open. */
  drop(): Promise<void>
}

/** Creates a database on the run's PostgreSQL that only the caller uses, with an empty schema for each service. */
export async function testDatabase(service: DatabaseService): Promise<TestDatabase> {
  const adminUrl = databaseAdminUrl()
  const name = `test_${randomBytes(8).toString('hex')}`
  await administer(adminUrl, `create database ${name}`)
  const ownerUrl = inDatabase(adminUrl, name)
  await createRoles(ownerUrl)
  const urls = roleUrls(ownerUrl, testRolePasswords(adminUrl))
  return { url: urls[service], urls, drop: () => administer(adminUrl, `drop database if exists ${name} with (force)`) }
}

/** Makes the services' roles, which all databases of the run's PostgreSQL share; each may have any number of connections. */
export async function prepareTestRoles(adminUrl: string): Promise<void> {
  const name = `roles_${randomBytes(8).toString('hex')}`
  await administer(adminUrl, `create database ${name}`)
  await createRoles(inDatabase(adminUrl, name))
  await setRolePasswords(inDatabase(adminUrl, name), testRolePasswords(adminUrl))
  for (const service of DATABASE_SERVICES) {
    await administer(adminUrl, `alter role ${roleOf(service)} connection limit -1`)
    // Otherwise a user who is no superuser is granted the role and loses it again with each database, and several at a time would collide.
    await administer(adminUrl, `grant ${roleOf(service)} to current_user`)
  }
  await administer(adminUrl, `drop database ${name}`)
}

/** Returns the same passwords in every process of a run, and in every run on one server. */
function testRolePasswords(adminUrl: string): RolePasswords {
  return forEachService((service) => createHash('sha256').update(`${service} ${adminUrl}`).digest('hex'))
}

async function administer(adminUrl: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: adminUrl })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}
