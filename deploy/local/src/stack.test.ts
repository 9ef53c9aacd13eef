import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseEnv, promisify } from 'node:util'
import {
  eventually,
  freePort,
  itWhere,
  natsServerPath,
  smallDisk,
  temporaryFolder,
  testDatabase,
  testNats,
  whyNoSmallDisk,
} from '@sluice/testkit'
import pg from 'pg'
import { beforeEach, expect, it, onTestFinished } from 'vitest'
import { readSettings } from './config.ts'
import { isNewEnough, readNatsVersion } from './nats-server/version.ts'
import { identifyProcess } from './process-identity.ts'
import { type Stack, startStack } from './stack.ts'

let dataDir: string
let lines: string[]

beforeEach(async () => {
  dataDir = await temporaryFolder()
  lines = []
})

const fixtures = join(import.meta.dirname, '__fixtures__')
/** On free ports, with this run's nats-server. */
const ours = { GATEWAY_PORT: '0', ADMIN_PORT: '0', SLUICE_NATS_SERVER: natsServerPath() }

async function start(env: Record<string, string> = {}, signal?: AbortSignal): Promise<Stack> {
  const stack = await startStack(readSettings({ SLUICE_DATA_DIR: dataDir, ...ours, ...env }), {
    log: (name, line) => lines.push(`${name}: ${line}`),
    programOf: () => join(fixtures, 'service.ts'),
    ...(signal && { signal }),
  })
  onTestFinished(() => stack.stop())
  return stack
}

/** The same in a process of its own, which can be killed. */
async function startApart(): Promise<{ child: ChildProcess; pids: number[] }> {
  const settings = JSON.stringify({ SLUICE_DATA_DIR: dataDir, ...ours })
  const child = spawn(process.execPath, [join(fixtures, 'run-stack.ts'), settings], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const [line] = await once(createInterface({ input: child.stdout }), 'line')
  return { child, pids: JSON.parse(line).map((process: { pid: number }) => process.pid) }
}

function pidOf(stack: Stack, name: string): number {
  return stack.processes().find((process) => process.name === name)?.pid ?? expect.fail(`${name} does not run`)
}

/** What the start says about a process that was killed, once it is back. */
async function said(name: string): Promise<string[]> {
  return eventually(
    () => {
      const about = lines.filter((line) => line.startsWith(`start: ${name} `))
      expect(about.at(-1)).toMatch('is back')
      return about
    },
    { timeoutMs: 20_000 },
  )
}

async function running(pids: readonly number[]): Promise<number[]> {
  const identities = await Promise.all(pids.map(identifyProcess))
  return identities.flatMap((identity) => (identity === undefined ? [] : [identity.pid]))
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

it('runs every process, ends them all in order, and keeps what was stored', async () => {
  const stack = await start({ GATEWAY_INSTANCES: '2', CAPACITY_INSTANCES: '2', LOG_LEVEL: 'debug' })
  const names = stack.processes().map(({ name }) => name)
  expect(names.toSorted()).toEqual([
    'capacity-1',
    'capacity-2',
    'connections',
    'discovery',
    'gateway-1',
    'gateway-2',
    'nats',
    'postgres',
    'usage',
  ])
  const pids = names.map((name) => pidOf(stack, name))
  const given = await readFile(join(dataDir, 'env/capacity-1.env'), 'utf8')
  // Before 2.10 the server's own two minutes hold.
  const syncIntervalMs = isNewEnough(await readNatsVersion(natsServerPath())) ? 1_000 : 120_000
  expect(parseEnv(given)).toMatchObject({ NATS_SYNC_INTERVAL_MS: String(syncIntervalMs) })
  for (const [service, url] of Object.entries(stack.databaseUrls)) {
    const isOwn = `select current_user = 'sluice_${service}' and not rolsuper as yes from pg_roles where rolname = current_user`
    expect(await query(url, isOwn)).toEqual([{ yes: true }])
    expect(parseEnv(await readFile(join(dataDir, `env/${service}.env`), 'utf8'))).toMatchObject({ DATABASE_URL: url })
  }
  await query(stack.databaseUrls.usage, 'create table usage.kept as select 42 as answer')
  await stack.stop()
  expect(await running(pids)).toEqual([])
  expect(await readdir(join(dataDir, 'run'))).toEqual([])
  const stopping = lines.filter((line) => /stopping|Initiating Shutdown|fast shutdown request/.test(line))
  expect(stopping.map((line) => line.replace(/[-:].*/, ''))).toEqual([
    'gateway',
    'gateway',
    expect.any(String),
    expect.any(String),
    'capacity',
    'capacity',
    'connections',
    'nats',
    'postgres',
  ])

  const again = await start()
  expect(await query(again.databaseUrls.usage, 'select * from usage.kept')).toEqual([{ answer: 42 }])
})

it('makes the master key once, for its owner alone', async () => {
  const keyFile = join(dataDir, 'master-key')
  await (await start()).stop()
  const key = await readFile(keyFile, 'utf8')
  expect(Buffer.from(key, 'base64')).toHaveLength(32)
  expect((await stat(keyFile)).mode & 0o777).toBe(0o600)
  await start()
  expect(await readFile(keyFile, 'utf8')).toBe(key)
})

it('brings every process back on the same address when it is killed', async () => {
  const stack = await start()
  for (const { name, pid } of stack.processes()) {
    process.kill(pid ?? 0, 'SIGKILL')
    expect(await said(name)).toEqual([
      expect.stringMatching(/ended \(.+\): starting it again$/),
      expect.stringMatching(/is back after \d+\.\d s/),
    ])
    expect(pidOf(stack, name)).not.toBe(pid)
  }
  expect(await query(stack.databaseUrls.connections, 'select 1 as one')).toEqual([{ one: 1 }])
})

it('replaces a server, too, when its keeper is killed', async () => {
  const stack = await start()
  for (const name of ['nats', 'postgres']) {
    const server = pidOf(stack, name)
    const keeper = JSON.parse(await readFile(join(dataDir, 'run', name), 'utf8')).pid as number
    process.kill(keeper, 'SIGKILL')
    expect(await said(name)).toEqual([expect.stringMatching(/SIGKILL/), expect.stringMatching(/is back/)])
    expect(await running([server, pidOf(stack, name)])).toEqual([pidOf(stack, name)])
  }
  expect(await query(stack.databaseUrls.connections, 'select 1 as one')).toEqual([{ one: 1 }])
})

it('leaves nothing running when it is killed itself, and recovers at the next start', async () => {
  const { child, pids } = await startApart()
  expect(pids).toHaveLength(7)
  expect(await running(pids)).toEqual(pids)
  child.kill('SIGKILL')
  await eventually(async () => expect(await running(pids)).toEqual([]), { timeoutMs: 10_000 })
  await start()
  expect(lines).toContain(`start: The last run did not end in order (process ${child.pid}): recovering`)
})

it('recovers when everything was killed but the servers', async () => {
  const { child, pids } = await startApart()
  const records = await readdir(join(dataDir, 'run'))
  const children = await Promise.all(
    records.map(async (name) => JSON.parse(await readFile(join(dataDir, 'run', name), 'utf8')).pid as number),
  )
  // Stopped first, for otherwise the children would notice and end in order.
  for (const pid of children) process.kill(pid, 'SIGSTOP')
  for (const pid of [child.pid ?? 0, ...children]) process.kill(pid, 'SIGKILL')
  await once(child, 'exit')
  await eventually(async () => expect(await running(pids)).toHaveLength(2))
  const stack = await start()
  expect(lines.filter((line) => line.includes('left running'))).toHaveLength(2)
  expect(lines.join('\n')).not.toMatch(/starting it again/)
  expect(await query(stack.databaseUrls.connections, 'select 1 as one')).toEqual([{ one: 1 }])
  expect(await running(pids)).toEqual([])
})

it('names the taken port and its setting, and starts nothing', async () => {
  const port = await freePort()
  const server = createServer().listen({ host: '127.0.0.1', port: port + 100 })
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  await expect(start({ GATEWAY_PORT: String(port), GATEWAY_INSTANCES: '2' })).rejects.toMatchObject({
    code: 'port_taken',
    message: `Port ${port + 100} is taken: end what listens there, or choose another with GATEWAY_PORT.`,
  })
  expect(lines).toEqual([])
  expect(await readdir(dataDir)).toEqual(['run'])
})

const whyNot = await whyNoSmallDisk()

itWhere(whyNot === undefined, `${whyNot}`, 'says that the disk is full, and starts nothing', async () => {
  const disk = await smallDisk(64)
  onTestFinished(() => disk.remove())
  await disk.fill()
  await expect(start({ SLUICE_DATA_DIR: join(disk.path, 'data') })).rejects.toMatchObject({
    code: 'disk_full',
    message: expect.stringMatching(/^The disk is full: 0 bytes free of 64.0 MiB in .*data\. Free 3.2 MiB at least/),
  })
  expect(lines).toEqual([])
})

it('makes no other master key where there may be credentials under the one that is gone', async () => {
  const stack = await start()
  await writeFile(stack.paths.operatorTokenFile, 'as the connections service leaves it')
  await stack.stop()
  await rm(stack.paths.masterKeyFile)
  await expect(start()).rejects.toMatchObject({
    code: 'master_key_missing',
    message: expect.stringContaining(`openssl rand -base64 32 > ${stack.paths.masterKeyFile}`),
  })
})

it('uses the servers that are there already, and leaves them running', async () => {
  const [nats, database] = await Promise.all([testNats(), testDatabase('connections')])
  onTestFinished(async () => {
    await Promise.all([nats.stop(), database.drop()])
  })
  const given = {
    NATS_URL: nats.url,
    CONNECTIONS_DATABASE_URL: database.urls.connections,
    DISCOVERY_DATABASE_URL: database.urls.discovery,
    USAGE_DATABASE_URL: database.urls.usage,
  }
  const stack = await start(given)
  expect(stack).toMatchObject({ natsUrl: nats.url, databaseUrls: database.urls })
  expect(stack.processes().map(({ name }) => name)).not.toContain('nats')
  await stack.stop()
  expect(await query(database.url, 'select 1 as one')).toEqual([{ one: 1 }])
  await nats.kill()
  await expect(start(given)).rejects.toMatchObject({
    code: 'server_unreachable',
    message: `Nothing answers at ${new URL(nats.url).host}, which NATS_URL names.`,
  })
})

it('ends what it has started when it is given up', async () => {
  const giveUp = new AbortController()
  const started = start({}, giveUp.signal)
  const record = join(dataDir, 'run/postgres')
  const pid = await eventually(async () => JSON.parse(await readFile(record, 'utf8')).pid as number)
  giveUp.abort()
  await expect(started).rejects.toThrow()
  expect(await running([pid])).toEqual([])
  await start()
  expect(lines.join('\n')).not.toMatch(/did not end in order/)
})

it('is given up at once while nothing was started', async () => {
  const giveUp = new AbortController()
  const lock = join(dataDir, 'lock')
  // Reading a pipe takes until somebody writes to it.
  await promisify(execFile)('mkfifo', [lock])
  const started = start({}, giveUp.signal)
  giveUp.abort()
  await expect(started).rejects.toThrow('aborted')
  await writeFile(lock, JSON.stringify(await identifyProcess(process.pid)))
})
