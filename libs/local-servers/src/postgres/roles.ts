import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { ensurePasswords, recordOf } from '../passwords.ts'
import { scramVerifier } from './scram.ts'

/**
 * The services that store something in PostgreSQL, each with a role and a schema of its own
 * (`deploy/postgres/roles.sql`).
 */
export const DATABASE_SERVICES = ['connections', 'discovery', 'usage'] as const
export type DatabaseService = (typeof DATABASE_SERVICES)[number]

export type RolePasswords = Readonly<Record<DatabaseService, string>>
/** For each service the database's URL with the service's own role and password. */
export type DatabaseUrls = Readonly<Record<DatabaseService, string>>

/** Sluice's database on a server of its own. */
const DATABASE = 'sluice'

/** The roles and schemas that every deployment of Sluice shares. */
const rolesFile = join(import.meta.dirname, '../../../../deploy/postgres/roles.sql')

/**
 * Returns the roles' passwords from the file at `path`, which has a line `POSTGRES_<SERVICE>_PASSWORD=…` for each; see
 * `ensurePasswords`.
 */
export async function ensureRolePasswords(path: string): Promise<RolePasswords> {
  const passwords = await ensurePasswords(path, DATABASE_SERVICES.map(passwordVariable))
  return forEachService((service) => passwords[passwordVariable(service)])
}

/**
 * Prepares a server that Sluice alone uses, at every start: its database, the roles with their passwords, and no
 * other database that a role may connect to.
 * @param serverUrl of the superuser
 */
export async function prepareDatabase(serverUrl: string, passwords: RolePasswords): Promise<DatabaseUrls> {
  await withClient(inDatabase(serverUrl, 'template1'), async (client) => {
    const { rows } = await client.query(`select from pg_database where datname = '${DATABASE}'`)
    // The empty one that every new server has and everybody may use: it would remain beside one that is created.
    if (rows.length === 0) await client.query(`alter database postgres rename to ${DATABASE}`)
    await client.query('revoke connect on database template1 from public')
  })
  const ownerUrl = inDatabase(serverUrl, DATABASE)
  await createRoles(ownerUrl)
  await setRolePasswords(ownerUrl, passwords)
  return roleUrls(ownerUrl, passwords)
}

/**
 * Makes in the database of `ownerUrl` what the services need there, as `deploy/postgres/roles.sql` says. New roles have
 * no password yet.
 * @throws pg.DatabaseError when the URL's user may not do that, or a role could do more than it should
 */
export async function createRoles(ownerUrl: string): Promise<void> {
  const statements = await readFile(rolesFile, 'utf8')
  await withClient(ownerUrl, (client) => client.query(statements))
}

/** Sets the roles' passwords. The server sees, and may log, only the verifiers that it stores. */
export async function setRolePasswords(ownerUrl: string, passwords: RolePasswords): Promise<void> {
  await withClient(ownerUrl, async (client) => {
    for (const service of DATABASE_SERVICES) {
      await client.query(`alter role ${roleOf(service)} password '${scramVerifier(passwords[service])}'`)
    }
  })
}

/** Returns the URL of `ownerUrl`'s database for each service, with its role. */
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

/** Returns an object with the value that `make` returns for each service. */
export function forEachService<Value>(make: (service: DatabaseService) => Value): Record<DatabaseService, Value> {
  return recordOf(DATABASE_SERVICES, make)
}

async function withClient(url: string, work: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await work(client)
  } finally {
    await client.end()
  }
}

function passwordVariable<Service extends DatabaseService>(
  service: Service,
): `POSTGRES_${Uppercase<Service>}_PASSWORD` {
  return `POSTGRES_${service.toUpperCase() as Uppercase<Service>}_PASSWORD`
}
