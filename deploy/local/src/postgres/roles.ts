import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { ensurePasswords } from '../password-file.ts'
import { scramVerifier } from './scram.ts'

/** The services that store something in PostgreSQL, each with a role and a schema of its own (`deploy/postgres/roles.sql`). */
export const DATABASE_SERVICES = ['connections', 'discovery', 'usage'] as const
export type DatabaseService = (typeof DATABASE_SERVICES)[number]

export type RolePasswords = Readonly<Record<DatabaseService, string>>
/** For each service the database's URL with the service's own role and password. */
export type DatabaseUrls = Readonly<Record<DatabaseService, string>>

/** Sluice's database on a server of its own. */
const DATABASE = 'sluice'

const rolesFile = join(import.meta.dirname, '../../../postgres/roles.sql')

/** Returns the roles' passwords from the file at `path`, which has a line `POSTGRES_<SERVICE>_PASSWORD=…` for each; see `ensurePasswords`. */
export async function ensureRolePasswords(path: string): Promise<RolePasswords> {
  const passwords = await ensurePasswords(path, DATABASE_SERVICES.map(passwordVariable))
  return forEachService((service) => passwords[passwordVariable(service)] ?? '')
}

/**
 * Prepares a server that is Sluice's alone, at its first start and at every other: its database, the roles with their passwords, and no
 * other database that a role may connect to.
 * @param serverUrl of the superuser
 */
export async function prepareDatabase(serverUrl: string, passwords: RolePasswords): Promise<DatabaseUrls> {
  await administer(inDatabase(serverUrl, 'template1'), async (client) => {
    const { rows } = await client.query(`select from pg_database where datname = '${DATABASE}'`)
    // The empty one that every new server has and everybody may use: it would be left beside one that is created.
    if (rows.length === 0) await client.query(`alter database postgres rename to ${DATABASE}`)
    await client.query('revoke connect on database template1 from public')
  })
  const ownerUrl = inDatabase(serverUrl, DATABASE)
  await createRoles(ownerUrl)
  await setRolePasswords(ownerUrl, passwords)
  return roleUrls(ownerUrl, passwords)
}

/**
 * Makes in the database of `ownerUrl` what the services need there, as `deploy/postgres/roles.sql` says. New roles have no password yet.
 * @throws pg.DatabaseError when the URL's user may not do that, or a role could do more than it should
 */
export async function createRoles(ownerUrl: string): Promise<void> {
  const statements = await readFile(rolesFile, 'utf8')
  await administer(ownerUrl, (client) => client.query(statements))
}

/** Sets the roles' passwords, of which the server sees, and may log, only what it stores of them. */
export async function setRolePasswords(ownerUrl: string, passwords: RolePasswords): Promise<void> {
  await administer(ownerUrl, async (client) => {
    for (const service of DATABASE_SERVICES) {
      await client.query(`alter role ${roleOf(service)} password '${scramVerifier(passwords[service])}'`)
    }
  })
}

/** Returns the database of `ownerUrl` as each service reaches it. */
export function roleUrls(ownerUrl: string, passwords: RolePasswords): DatabaseUrls {
  return forEachService((service) => {
    const url = new URL(ownerUrl)
    url.username = roleOf(service)
    url.password = passwords[service]
    return url.href
  })
}

/** Returns the name of a service's role. */
export function roleOf(service: DatabaseService): string {
  return `sluice_${service}`
}

/** Returns the URL of another database on the same server. */
export function inDatabase(serverUrl: string, database: string): string {
  const url = new URL(serverUrl)
  url.pathname = `/${database}`
  return url.href
}

/** Returns an object of what `make` gives for each service. */
export function forEachService<Value>(make: (service: DatabaseService) => Value): Record<DatabaseService, Value> {
  const entries = DATABASE_SERVICES.map((service) => [service, make(service)])
  return Object.fromEntries(entries)
}

async function administer(url: string, work: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await work(client)
  } finally {
    await client.end()
  }
}

function passwordVariable(service: DatabaseService): string {
  return `POSTGRES_${service.toUpperCase()}_PASSWORD`
}
