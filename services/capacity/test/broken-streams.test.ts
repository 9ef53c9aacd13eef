import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  CONNECTION_DEFAULTS,
  capacityHealth,
  capacityMembers,
  capacityRecords,
  capacityStatus,
  clockMarks,
  connectionProjection,
  instancePermitBatch,
  type PermitBatchReply,
  permitBatch,
} from '@sluice/contracts'
import { type Bus, connectBus, openBucket, request } from '@sluice/messaging'
import { createLogger, readConfig, type Service } from '@sluice/service-kit'
import { eventually, itWhere, oldNatsServer, type TestNats, temporaryFolder, testNats } from '@sluice/testkit'
import { afterEach, expect } from 'vitest'
import { CapacityConfig, start } from '../src/index.ts'

const LIMIT = 200
const PERMITS = 40
const serverPath = await oldNatsServer()
let nats: TestNats | undefined
let bus: Bus | undefined
let child: ChildProcess | undefined
let instance: Service | undefined

afterEach(async () => {
  child?.kill('SIGKILL')
  await instance?.stop()
  await bus?.close()
  await nats?.stop()
})

async function bootFile(boot: string): Promise<string> {
  const file = join(await temporaryFolder(), 'boot-id')
  await writeFile(file, `${boot}\n`)
  return file
}

async function addConnection(to: Bus, id: string): Promise<void> {
  const connections = await openBucket(to, connectionProjection)
  const settings = { ...CONNECTION_DEFAULTS, capacity: [{ period: 'hour' as const, requests: LIMIT }], version: 1 }
  await connections.put(id, { id, name: id, provider: 'openai', config: {}, ...settings })
}

let gateways = 0
function permits(count: number) {
  return {
    gateway: `g${++gateways}`,
    seq: 1,
    asOfMs: Date.now(),
    acquires: Array.from({ length: count }, () => ({ model: 'm', requests: 1, tokens: 1 })),
    settlements: [],
  }
}
const acquire = (from: Bus, id: string, count: number) => request(from, permitBatch, [id], permits(count))
const granted = ({ results }: PermitBatchReply) => results.filter(({ status }) => status === 'granted').length

/** A connection's id that was made at this instant. */
function uuidOf(atMs: number): string {
  const time = atMs.toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-7abc-8def-0123456789ab`
}

/** What a power cut does where the last messages were not on the disk and the index was. */
async function loseNewest(dataDir: string, bucket: string): Promise<void> {
  const block = join(dataDir, 'jetstream/$G/streams', `KV_${bucket}`, 'msgs/1.blk')
  await truncate(block, Math.floor((await stat(block)).size / 2))
}

/** NATS with a connection that an instance in a process of its own has given permits for, one write each. */
async function served(bootIdFile: string): Promise<TestNats> {
  const server = await testNats({ serverPath: serverPath ?? '' })
  nats = server
  const before = await connectBus({ servers: server.url, name: 'test' })
  await addConnection(before, 'cold')
  await addConnection(before, 'c')
  const env = { ...process.env, NATS_URL: server.url, BOOT_ID_FILE: bootIdFile, CAPACITY_INSTANCE: 'first' }
  child = spawn(process.execPath, [join(import.meta.dirname, '../src/main.ts')], { env, stdio: 'ignore' })
  const askFirst = (id: string, count: number) => request(before, instancePermitBatch, ['first', id], permits(count))
  await eventually(async () => expect(granted(await askFirst('cold', 1))).toBe(1), { timeoutMs: 20_000 })
  for (let permit = 0; permit < PERMITS; permit++) expect(granted(await askFirst('c', 1))).toBe(1)
  const marks = await openBucket(before, clockMarks)
  for (let other = 0; other < PERMITS; other++) await marks.put('other', { clockMs: 1, monotonicMs: 1, stopped: false })
  await before.close()
  return server
}

async function startInstance(url: string, bootIdFile: string): Promise<void> {
  const settings = readConfig(CapacityConfig, { NATS_URL: url, BOOT_ID_FILE: bootIdFile })
  instance = await start(settings, createLogger('capacity', 'silent'))
}

/** Ends the process and NATS, takes the newest messages of each bucket, and starts NATS again. */
async function breakStreams(server: TestNats): Promise<void> {
  if (child === undefined) throw new Error('no process was started')
  child.kill('SIGKILL')
  await once(child, 'exit')
  // In order, so that the index is written.
  await server.halt()
  for (const { name } of [capacityRecords, capacityMembers, clockMarks]) await loseNewest(server.dataDir, name)
  await server.restart()
}

const REASON = 'there is no nats-server before 2.10'

itWhere(
  serverPath !== undefined,
  REASON,
  'a start mends streams that a power cut left behind their index, and counts as used what is missing',
  async () => {
    const server = await served(await bootFile('before'))
    await breakStreams(server)
    bus = await connectBus({ servers: server.url, name: 'test' })
    const broken = await openBucket(bus, capacityRecords)
    expect((await broken.get('cold')).revision).toBeGreaterThan(0)
    expect((await broken.get('c')).revision).toBe(0)
    const written = await broken.put('d', 1)
    expect((await broken.get('d')).revision).toBeLessThan(written)

    await startInstance(server.url, await bootFile('after'))
    expect(await request(bus, capacityHealth, [], {})).toMatchObject({ ready: true })
    expect(granted(await acquire(bus, 'c', 1))).toBe(0)
    expect((await request(bus, capacityStatus, ['c'], {})).assumed).toMatchObject([{ period: 'hour', amount: LIMIT }])
    // What could be read is kept, and may lack what came last.
    expect(granted(await acquire(bus, 'cold', 1))).toBe(0)
    const cold = await request(bus, capacityStatus, ['cold'], {})
    expect(cold.assumed).toMatchObject([{ period: 'hour', amount: LIMIT - 1 }])

    const younger = uuidOf(Date.now() + 600_000)
    await addConnection(bus, younger)
    expect(granted(await acquire(bus, younger, 2))).toBe(2)
    expect(granted(await acquire(bus, younger, LIMIT))).toBe(LIMIT - 2)
  },
  60_000,
)

itWhere(
  serverPath !== undefined,
  REASON,
  'an instance that is alive mends them when NATS is back, and counts as used what it has never seen',
  async () => {
    const bootIdFile = await bootFile('same')
    const server = await served(bootIdFile)
    await startInstance(server.url, bootIdFile)
    await breakStreams(server)
    const after = await connectBus({ servers: server.url, name: 'test' })
    bus = after
    await eventually(async () => expect(await request(after, capacityHealth, [], {})).toMatchObject({ ready: true }))
    expect(granted(await acquire(bus, 'c', 1))).toBe(0)
    expect((await request(bus, capacityStatus, ['c'], {})).assumed).toMatchObject([{ period: 'hour', amount: LIMIT }])
  },
  60_000,
)
