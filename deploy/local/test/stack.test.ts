import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseEnv, promisify } from 'node:util'
import { identifyProcess, isNewEnough, readNatsVersion } from '@sluice/local-servers'
import {
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
import { beforeEach, expect, it, onTestFinished, vi } from 'vitest'
import { readSettings } from '../src/config.ts'
import { type Stack, startStack } from '../src/stack.ts'

let dataDir: string
let lines: string[]

beforeEach(async () => {
  dataDir = await temporaryFolder()
  lines = []
})

/** On free ports, with this run's nats-server. */
const ours = { GATEWAY_PORT: '0', ADMIN_PORT: '0', SLUICE_NATS_SERVER: natsServerPath() }

async function start(env: Record<string, string> = {}, signal?: AbortSignal): Promise<Stack> {
  const stack = await startStack(readSettings({ SLUICE_DATA_DIR: dataDir, ...ours, ...env }), {
    log: (name, line) => lines.push(`${name}: ${line}`),
    programOf: () => join(import.meta.dirname, 'service.ts'),
    ...(signal && { signal }),
  })
  onTestFinished(() => stack.stop())
  return stack
}

/** The same in a process of its own, which can be killed. */
async function startApart(): Promise<{ child: ChildProcess; pids: number[] }> {
  const settings = JSON.stringify({ SLUICE_DATA_DIR: dataDir, ...ours })
  const child = spawn(process.execPath, [join(import.meta.dirname, 'run-stack.ts'), settings], {
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
  return vi.waitFor(
    () => {
      const about = lines.filter((line) => line.startsWith(`start: ${name} `))
      expect(about.at(-1)).toMatch('is back')
      return about
    },
    { timeout: 20_000 },
  )
}

/** Returns the process that ends a server when the start is killed: it is in the server's process group. */
async function guardOf(server: number): Promise<number> {
  const { stdout } = await promisify(execFile)('ps', ['-e', '-o', 'pid=,pgid=,comm='])
  const group = stdout.split('\n').map((line) => line.trim().split(/\s+/))
  const guard = group.find(([pid, pgid, program]) => pgid === String(server) && pid !== pgid && program === 'sh')
  return Number(guard?.[0] ?? expect.fail(`${server} has no guard`))
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
    'control-plane',
    'gateway-1',
    'gateway-2',
    'nats',
    'postgres',
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
  await query(stack.databaseUrls.usage, 'create table usage.kept as select 42 as number')
  await stack.stop()
  expect(await running(pids)).toEqual([])
  expect(await readdir(join(dataDir, 'run'))).toEqual([])
  const stopping = lines.filter((line) => /stopping|Initiating Shutdown|fast shutdown request/.test(line))
  expect(stopping.map((line) => line.replace(/(-\d)?:.*/, ''))).toEqual([
    'gateway',
    'gateway',
    'capacity',
    'capacity',
    'control-plane',
    'nats',
    'postgres',
  ])

  const again = await start()
  expect(await query(again.databaseUrls.usage, 'select * from usage.kept')).toEqual([{ number: 42 }])
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

it('restarts every process on the same address when it is killed', async () => {
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

it('restarts a server whose guard is killed, without which a crash would leave it running', async () => {
  const stack = await start()
  for (const name of ['nats', 'postgres']) {
    const server = pidOf(stack, name)
    process.kill(await guardOf(server), 'SIGKILL')
    expect(await said(name)).toEqual([
      expect.stringMatching(/lost its guard/),
      expect.stringMatching(/ended/),
      expect.stringMatching(/is back/),
    ])
    expect(await running([server, pidOf(stack, name)])).toEqual([pidOf(stack, name)])
  }
  expect(await query(stack.databaseUrls.connections, 'select 1 as one')).toEqual([{ one: 1 }])
})

it('leaves nothing running when it is killed itself, and recovers at the next start', async () => {
  const { child, pids } = await startApart()
  expect(pids).toHaveLength(5)
  expect(await running(pids)).toEqual(pids)
  child.kill('SIGKILL')
  await vi.waitFor(async () => expect(await running(pids)).toEqual([]), { timeout: 10_000 })
  await start()
  expect(lines).toContain(`start: The last run (process ${child.pid}) did not stop in order: recovering`)
})

it('recovers when everything but the servers was killed', async () => {
  const { child, pids } = await startApart()
  const records = await readdir(join(dataDir, 'run'))
  const services = await Promise.all(
    records.map(async (name) => JSON.parse(await readFile(join(dataDir, 'run', name), 'utf8')).pid as number),
  )
  const servers = pids.filter((pid) => !services.includes(pid))
  const children = [...services, ...(await Promise.all(servers.map(guardOf)))]
  // Stopped first: otherwise the children would notice and end in order.
  for (const pid of [child.pid ?? 0, ...children]) process.kill(pid, 'SIGSTOP')
  for (const pid of [child.pid ?? 0, ...children]) process.kill(pid, 'SIGKILL')
  await once(child, 'exit')
  await vi.waitFor(async () => expect(await running(pids)).toHaveLength(2), { timeout: 5_000 })
  const stack = await start()
  expect(lines.filter((line) => line.includes('left running'))).toHaveLength(2)
  expect(lines.join('\n')).not.toMatch(/starting it again/)
  expect(await query(stack.databaseUrls.connections, 'select 1 as one')).toEqual([{ one: 1 }])
  expect(await running(pids)).toEqual([])
})

it('names the port that is in use and its setting, and starts nothing', async () => {
  const port = await freePort()
  const server = createServer().listen({ host: '127.0.0.1', port: port + 100 })
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  await expect(start({ GATEWAY_PORT: String(port), GATEWAY_INSTANCES: '2' })).rejects.toMatchObject({
    code: 'port_taken',
    message: `Port ${port + 100} is already in use: stop the program that listens on it, or choose another port with GATEWAY_PORT.`,
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
    message: expect.stringMatching(/^The disk is full: 0 bytes free of 64.0 MiB in .*data\. Free at least 3.2 MiB/),
  })
  expect(lines).toEqual([])
})

it('makes no new master key when there may be credentials under the missing one', async () => {
  const stack = await start()
  await writeFile(stack.paths.operatorTokenFile, 'as the connections service leaves it')
  await stack.stop()
  await rm(stack.paths.masterKeyFile)
  await expect(start()).rejects.toMatchObject({
    code: 'master_key_missing',
    message: expect.stringContaining(`openssl rand -base64 32 > ${stack.paths.masterKeyFile}`),
  })
})

it('uses running servers, and leaves them running', async () => {
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
    message: `No server is reachable at ${new URL(nats.url).host} (NATS_URL).`,
  })
})

it('ends what it has started when it is canceled', async () => {
  const giveUp = new AbortController()
  const started = start({}, giveUp.signal)
  const pidFile = join(dataDir, 'nats/nats-server.pid')
  const pid = await vi.waitFor(
    async () => {
      const read = Number.parseInt(await readFile(pidFile, 'utf8'), 10)
      expect(read).toBeGreaterThan(0)
      return read
    },
    { timeout: 5_000 },
  )
  giveUp.abort()
  await expect(started).rejects.toThrow()
  expect(await running([pid])).toEqual([])
  await start()
  expect(lines.join('\n')).not.toMatch(/did not stop in order/)
})

it('is canceled at once while nothing was started', async () => {
  const giveUp = new AbortController()
  const lock = join(dataDir, 'lock')
  // Reading a pipe takes until another process writes to it.
  await promisify(execFile)('mkfifo', [lock])
  const started = start({}, giveUp.signal)
  giveUp.abort()
  await expect(started).rejects.toThrow('aborted')
  await writeFile(lock, JSON.stringify(await identifyProcess(process.pid)))
})
