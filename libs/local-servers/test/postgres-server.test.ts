import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryFolder } from '@sluice/testkit'
import pg from 'pg'
import { beforeEach, expect, it, onTestFinished } from 'vitest'
import { type Postgres, startPostgres } from '../src/postgres/postgres-server.ts'

let dataDir: string
let lines: string[]

beforeEach(async () => {
  dataDir = await temporaryFolder()
  lines = []
})

async function start(): Promise<Postgres> {
  const postgres = await startPostgres({ dataDir, port: 0, log: (line) => lines.push(line) })
  onTestFinished(() => postgres.stop())
  return postgres
}

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(sql)).rows
  } finally {
    await client.end()
  }
}

it('keeps its data and its password over a restart', async () => {
  const first = await start()
  await query(first.url, 'create table kept as select 42 as answer')
  await first.stop()
  const second = await start()
  expect(await query(second.url, 'select * from kept')).toEqual([{ answer: 42 }])
  expect(new URL(second.url).password).toBe(new URL(first.url).password)
})

it('accepts no client without the password, which only its owner can read', async () => {
  const { url } = await start()
  const wrong = new URL(url)
  wrong.password = 'wrong'
  await expect(query(wrong.href, 'select 1')).rejects.toMatchObject({ code: '28P01' })
  expect((await stat(join(dataDir, 'password'))).mode & 0o777).toBe(0o600)
  expect((await stat(dataDir)).mode & 0o777).toBe(0o700)
  expect(await query(url, 'show listen_addresses')).toEqual([{ listen_addresses: '127.0.0.1' }])
  expect(await query(url, 'show fsync')).toEqual([{ fsync: 'on' }])
})

it('recovers from a server that was killed', async () => {
  const first = await start()
  await query(first.url, 'create table kept as select 42 as answer')
  process.kill(first.pid, 'SIGKILL')
  expect(await first.exited).toBe('SIGKILL')
  const second = await start()
  expect(await query(second.url, 'select * from kept')).toEqual([{ answer: 42 }])
})

it('starts although the pid of a killed server is another process’s by now', async () => {
  const first = await start()
  process.kill(first.pid, 'SIGKILL')
  await first.exited
  const pidFile = join(dataDir, 'cluster/postmaster.pid')
  const [, ...rest] = (await readFile(pidFile, 'utf8')).split('\n')
  await writeFile(pidFile, [process.pid, ...rest].join('\n'))
  const second = await start()
  expect(await query(second.url, 'select 1 as one')).toEqual([{ one: 1 }])
})

it('ends a server that was left running on its folder', async () => {
  const first = await start()
  const second = await start()
  expect(lines).toContain(`Ending the PostgreSQL that was left running (process ${first.pid})`)
  await first.exited
  expect(await query(second.url, 'select 1 as one')).toEqual([{ one: 1 }])
})

it('leaves alone what another version of PostgreSQL made', async () => {
  const first = await start()
  await first.stop()
  await writeFile(join(dataDir, 'cluster/PG_VERSION'), '15\n')
  await expect(start()).rejects.toMatchObject({
    code: 'folder_unusable',
    message: expect.stringContaining('was made by PostgreSQL 15'),
  })
})
