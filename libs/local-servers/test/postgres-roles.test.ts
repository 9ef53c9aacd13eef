import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryFolder } from '@sluice/testkit'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { generatePassword } from '../src/passwords.ts'
import { type Postgres, startPostgres } from '../src/postgres/postgres-server.ts'
import {
  createRoles,
  DATABASE_SERVICES,
  type DatabaseService,
  type DatabaseUrls,
  ensureRolePasswords,
  forEachService,
  inDatabase,
  prepareDatabase,
  roleOf,
  roleUrls,
  setRolePasswords,
} from '../src/postgres/roles.ts'
import { ATTEMPTS, OWN, type Parties } from './refused-attempts.ts'

const DONE = 'done'
const INSUFFICIENT_PRIVILEGE = '42501'
const UNDEFINED_TABLE = '42P01'
const INVALID_PASSWORD = '28P01'
const NOT_ACCEPTING_CONNECTIONS = '55000'
const TOO_MANY_CONNECTIONS = '53300'

const passwords = forEachService(() => generatePassword())

interface Roles {
  /** Of Sluice's database. */
  readonly urls: DatabaseUrls
  /** A database that is not Sluice's. */
  readonly elsewhere: string
}

/** On the server that the embedded start runs. */
async function asTheStartMakesThem(postgres: Postgres): Promise<Roles> {
  return { urls: await prepareDatabase(postgres.url, passwords), elsewhere: 'template1' }
}

/** On a managed PostgreSQL, without access to the superuser, as `docs/postgres.md` says. */
async function asAnOwnerMakesThem(postgres: Postgres): Promise<Roles> {
  await query(postgres.url, `create role owner login createrole createdb password 'owner'`)
  await query(postgres.url, 'alter database postgres owner to owner')
  const server = new URL(postgres.url)
  server.username = 'owner'
  server.password = 'owner'
  await query(server.href, 'create database sluice')
  const ownerUrl = inDatabase(server.href, 'sluice')
  await createRoles(ownerUrl)
  await setRolePasswords(ownerUrl, passwords)
  await query(ownerUrl, 'revoke connect on database postgres from public')
  return { urls: roleUrls(ownerUrl, passwords), elsewhere: 'postgres' }
}

describe.each([
  { how: 'as the embedded start makes them', make: asTheStartMakesThem },
  { how: 'as an owner makes them who is no superuser', make: asAnOwnerMakesThem },
])('the roles $how', ({ make }) => {
  let postgres: Postgres
  let roles: Roles
  let clients: Record<DatabaseService, pg.Client>

  beforeAll(async () => {
    postgres = await freshPostgres()
    roles = await make(postgres)
    clients = forEachService((service) => new pg.Client({ connectionString: roles.urls[service] }))
    for (const service of DATABASE_SERVICES) {
      await clients[service].connect()
      await clients[service].query(
        `create table ${service}.notes (text text primary key);
         create sequence ${service}.numbers;
         create function ${service}.mine() returns trigger language plpgsql as 'begin return null; end'`,
      )
    }
  })
  afterAll(async () => {
    for (const client of Object.values(clients)) await client.end()
    await postgres.stop()
  })

  /** The result for each role that tries it, against each other role. */
  async function outcomes(statement: (parties: Parties) => string): Promise<Set<string>> {
    const found = new Set<string>()
    for (const own of DATABASE_SERVICES) {
      for (const other of DATABASE_SERVICES.filter((service) => service !== own)) {
        const { rows } = await clients[other].query<{ pid: number }>('select pg_backend_pid() as pid')
        const otherPid = rows[0]?.pid ?? 0
        const parties = { own, other, ownRole: roleOf(own), otherRole: roleOf(other), otherPid, superuser: 'postgres' }
        found.add(await clients[own].query(statement(parties)).then(() => DONE, codeOf))
      }
    }
    return found
  }

  it.each(ATTEMPTS)('may not %s', async (_, statement) => {
    expect(await outcomes(statement)).toEqual(new Set([INSUFFICIENT_PRIVILEGE]))
  })

  it.each(OWN)('may %s', async (_, statement) => {
    expect(await outcomes(({ own }) => statement(own))).toEqual(new Set([DONE]))
  })

  it('find no table of another role by the search path', async () => {
    const statement = ({ other }: Parties) => `set local search_path = ${other}; select * from notes`
    expect(await outcomes(statement)).toEqual(new Set([UNDEFINED_TABLE]))
  })

  it('see no statement of another role', async () => {
    for (const service of DATABASE_SERVICES) {
      const { rows } = await clients[service].query<{ query: string }>(
        `select query from pg_stat_activity where usename like 'sluice%' and usename <> current_user`,
      )
      expect(rows.length).toBeGreaterThan(1)
      expect(new Set(rows.map((row) => row.query))).toEqual(new Set(['<insufficient privilege>']))
    }
  })

  it('connect to Sluice’s database alone, and not to replicate it', async () => {
    for (const url of Object.values(roles.urls)) {
      expect(await login(url)).toBe(DONE)
      expect(await login(inDatabase(url, roles.elsewhere))).toBe(INSUFFICIENT_PRIVILEGE)
      expect(await login(inDatabase(url, 'template0'))).toBe(NOT_ACCEPTING_CONNECTIONS)
      expect(await login(url, { replication: 'database' })).toBe(INSUFFICIENT_PRIVILEGE)
    }
  })

  it('log in with their own password alone', async () => {
    const mixedUp = { connections: passwords.usage, discovery: passwords.connections, usage: passwords.discovery }
    for (const url of Object.values(roleUrls(roles.urls.usage, mixedUp))) {
      expect(await login(url)).toBe(INVALID_PASSWORD)
    }
  })

  it('leave each other connections, however many one of them opens', async () => {
    const opened: pg.Client[] = []
    let result = DONE
    while (result === DONE && opened.length < 100) {
      const client = new pg.Client({ connectionString: roles.urls.usage })
      result = await client.connect().then(() => DONE, codeOf)
      if (result === DONE) opened.push(client)
    }
    expect(result).toBe(TOO_MANY_CONNECTIONS)
    expect(opened).toHaveLength(24) // One more is in `clients`.
    expect(await login(roles.urls.connections)).toBe(DONE)
    for (const client of opened) await client.end()
  })
})

describe('making the roles', () => {
  let postgres: Postgres
  let urls: DatabaseUrls
  let ownerUrl: string

  beforeAll(async () => {
    postgres = await freshPostgres()
    // As an earlier start left it, whose services were all the superuser.
    await query(
      postgres.url,
      `create schema usage; create table usage.minutes (id int generated always as identity, at int) partition by range (at);
       create table usage.minutes_1 partition of usage.minutes for values from (0) to (10);
       create sequence usage.numbers; create view usage.latest as select max(at) from usage.minutes;
       create function usage.one() returns int language sql as 'select 1'; insert into usage.minutes (at) values (7)`,
    )
    urls = await prepareDatabase(postgres.url, passwords)
    ownerUrl = inDatabase(postgres.url, 'sluice')
  })
  afterAll(() => postgres.stop())

  it('makes a service the owner of everything in its schema, whoever owned it', async () => {
    expect((await query(urls.usage, 'select * from usage.latest')).rows).toEqual([{ max: 7 }])
    await query(
      urls.usage,
      `drop table usage.minutes_1; alter table usage.minutes add column more int; drop view usage.latest;
       drop function usage.one(); drop sequence usage.numbers; drop table usage.minutes`,
    )
  })

  it('changes nothing the next time, and takes the passwords that it is given then', async () => {
    await query(urls.usage, 'create table usage.kept as select 42 as answer')
    const others = { ...passwords, usage: generatePassword() }
    const again = await prepareDatabase(inDatabase(postgres.url, 'postgres'), others)
    expect((await query(again.usage, 'select * from usage.kept')).rows).toEqual([{ answer: 42 }])
    expect(await login(urls.usage)).toBe(INVALID_PASSWORD)
    expect(await login(urls.connections)).toBe(DONE)
    await setRolePasswords(ownerUrl, passwords)
  })

  it('creates roles that cannot log in until they have a password', async () => {
    await query(ownerUrl, 'alter role sluice_usage password null')
    await createRoles(ownerUrl)
    for (const password of ['', passwords.usage]) {
      expect(await login(roleUrls(ownerUrl, { ...passwords, usage: password }).usage)).not.toBe(DONE)
    }
    await setRolePasswords(ownerUrl, passwords)
    expect(await login(urls.usage)).toBe(DONE)
  })

  it.each([
    ['alter role sluice_usage createdb', 'alter role sluice_usage nocreatedb', 'an attribute or a membership'],
    ['alter role sluice_usage superuser', 'alter role sluice_usage nosuperuser', 'an attribute or a membership'],
    ['grant pg_monitor to sluice_usage', 'revoke pg_monitor from sluice_usage', 'an attribute or a membership'],
    ['grant sluice_connections to sluice_usage', 'revoke sluice_connections from sluice_usage', 'an attribute or a me'],
    [
      'grant create on database sluice to sluice_usage',
      'revoke create on database sluice from sluice_usage',
      'may use',
    ],
    ['grant usage on schema public to sluice_usage', 'revoke usage on schema public from sluice_usage', 'may use'],
    ['grant usage on schema connections to public', 'revoke usage on schema connections from public', 'may use'],
  ])('fails after %s', async (grant, revoke, message) => {
    await query(ownerUrl, grant)
    await expect(createRoles(ownerUrl)).rejects.toThrow(message)
    await query(ownerUrl, revoke)
    await createRoles(ownerUrl)
  })

  it('fails, and changes nothing, for somebody who does not own the database', async () => {
    await query(ownerUrl, `create role stranger login createrole password 'stranger'`)
    await query(ownerUrl, 'create database others')
    const stranger = new URL(inDatabase(postgres.url, 'others'))
    stranger.username = 'stranger'
    stranger.password = 'stranger'
    await expect(createRoles(stranger.href)).rejects.toMatchObject({ code: INSUFFICIENT_PRIVILEGE })
    const { rows } = await query(inDatabase(postgres.url, 'others'), `select from pg_namespace where nspname = 'usage'`)
    expect(rows).toEqual([])
  })

  it('says no password to the server, which may log statements', async () => {
    const lines: string[] = []
    const logging = await startPostgres({ dataDir: await temporaryFolder(), port: 0, log: (line) => lines.push(line) })
    await query(logging.url, `alter system set log_statement = 'all'`)
    await query(logging.url, 'select pg_reload_conf()')
    await prepareDatabase(logging.url, passwords)
    await logging.stop()
    const log = lines.join('\n')
    expect(log).toContain('alter role sluice_usage password')
    for (const password of Object.values(passwords)) expect(log).not.toContain(password)
  })

  it('keeps the passwords in a file for its owner alone', async () => {
    const file = join(await temporaryFolder(), 'postgres-passwords')
    const made = await ensureRolePasswords(file)
    expect(new Set(Object.values(made)).size).toBe(DATABASE_SERVICES.length)
    expect(await ensureRolePasswords(file)).toEqual(made)
    expect(await readFile(file, 'utf8')).toContain(`POSTGRES_USAGE_PASSWORD=${made.usage}\n`)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
  })
})

async function freshPostgres(): Promise<Postgres> {
  return startPostgres({ dataDir: await temporaryFolder(), port: 0, durable: false, log: () => undefined })
}

async function query(url: string, statement: string): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return await client.query(statement)
  } finally {
    await client.end()
  }
}

async function login(url: string, more: object = {}): Promise<string> {
  const client = new pg.Client({ connectionString: url, ...more })
  const result = await client.connect().then(() => DONE, codeOf)
  await client.end()
  return result
}

/** PostgreSQL's code for what it refused. */
function codeOf(error: unknown): string {
  return error instanceof pg.DatabaseError ? String(error.code) : String(error)
}
