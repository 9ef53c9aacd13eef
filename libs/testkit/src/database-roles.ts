import { createHash, randomBytes } from 'node:crypto'
import {
  createRoles,
  DATABASE_SERVICES,
  forEachService,
  inDatabase,
  type RolePasswords,
  roleOf,
  setRolePasswords,
} from '@sluice/local'
import pg from 'pg'

/** Makes the services' roles on the run's PostgreSQL, whose databases share them: so each may have any number of connections. */
export async function prepareTestRoles(adminUrl: string): Promise<void> {
  const name = `roles_${randomBytes(8).toString('hex')}`
  await administer(adminUrl, `create database ${name}`)
  await createRoles(inDatabase(adminUrl, name))
  await setRolePasswords(inDatabase(adminUrl, name), testRolePasswords(adminUrl))
  for (const service of DATABASE_SERVICES) {
    await administer(adminUrl, `alter role ${roleOf(service)} connection limit -1`)
    // Otherwise one who is no superuser is granted it and loses it again with each database, and several at a time would collide.
    await administer(adminUrl, `grant ${roleOf(service)} to current_user`)
  }
  await administer(adminUrl, `drop database ${name}`)
}

/** Returns the same in every process of a run, and in every run on a server that was there already. */
export function testRolePasswords(adminUrl: string): RolePasswords {
  return forEachService((service) => createHash('sha256').update(`${service} ${adminUrl}`).digest('hex'))
}

/** Runs one statement as the run's user who may create databases and roles. */
export async function administer(adminUrl: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: adminUrl })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}
