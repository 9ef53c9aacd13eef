import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  CONNECTION_DEFAULTS,
  capacityStatus,
  clockMarks,
  connectionProjection,
  type PermitBatchReply,
  permitBatch,
} from '@sluice/contracts'
import { type Bus, connectBus, openBucket, request } from '@sluice/messaging'
import { createLogger, readConfig, type Service } from '@sluice/service-kit'
import { eventually, type TestNats, temporaryFolder, testNats } from '@sluice/testkit'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { CapacityConfig, start } from '../src/index.ts'

const LIMIT = 10
let nats: TestNats
let bus: Bus
let folder: string
let child: ChildProcess | undefined
let instance: Service | undefined

beforeEach(async () => {
  nats = await testNats()
  bus = await connectBus({ servers: nats.url, name: 'test' })
  folder = await temporaryFolder()
  const connections = await openBucket(bus, connectionProjection)
  const capacity = [
    { period: 'minute' as const, requests: LIMIT },
    { period: 'hour' as const, requests: 1_000 },
  ]
  const settings = { ...CONNECTION_DEFAULTS, capacity, version: 1 }
  await connections.put('c', { id: 'c', name: 'c', provider: 'openai', config: {}, ...settings })
})

afterEach(async () => {
  child?.kill('SIGKILL')
  await instance?.stop()
  instance = undefined
  await bus.close()
  await nats.stop()
})

/** A file that says which boot of a machine this is. */
async function bootFile(boot: string): Promise<string> {
  const file = join(folder, boot)
  await writeFile(file, `${boot}\n`)
  return file
}

/** An instance in a process of its own, which can be killed. */
async function startProcess(boot: string): Promise<void> {
  const env = { ...process.env, NATS_URL: nats.url, BOOT_ID_FILE: await bootFile(boot), LOG_LEVEL: 'fatal' }
  child = spawn(process.execPath, [join(import.meta.dirname, '../src/main.ts')], { env, stdio: 'ignore' })
  await eventually(async () => expect(granted(await acquire(0))).toBe(0), { timeoutMs: 20_000 })
}

async function startInstance(boot: string, more: Readonly<Record<string, string>> = {}): Promise<void> {
  const env = { NATS_URL: nats.url, BOOT_ID_FILE: await bootFile(boot), ...more }
  instance = await start(readConfig(CapacityConfig, env), createLogger('capacity', 'silent'))
}

async function killProcess(): Promise<void> {
  if (child === undefined) throw new Error('no process was started')
  child.kill('SIGKILL')
  await once(child, 'exit')
}

let gateways = 0
const acquire = (permits: number): Promise<PermitBatchReply> =>
  request(bus, permitBatch, ['c'], {
    gateway: `g${++gateways}`,
    seq: 1,
    asOfMs: Date.now(),
    acquires: Array.from({ length: permits }, () => ({ model: 'm', requests: 1, tokens: 1 })),
    settlements: [],
  })
const granted = ({ results }: PermitBatchReply) => results.filter(({ status }) => status === 'granted').length

it('counts as used what a power cut may have taken, and says so', async () => {
  await startProcess('before')
  expect(granted(await acquire(1))).toBe(1)
  await killProcess()
  await startInstance('after')
  expect(granted(await acquire(1))).toBe(0)
  const status = await request(bus, capacityStatus, ['c'], {})
  expect(status.assumed).toMatchObject([
    { period: 'minute', metric: 'requests', amount: LIMIT - 1 },
    // Five minutes at most that the cut may have taken, at the minute's limit.
    { period: 'hour', metric: 'requests', amount: expect.toSatisfy((amount: number) => amount <= 5 * LIMIT) },
  ])
})

it('goes on at once after its processes were killed on a machine that stayed up', async () => {
  await startProcess('same')
  expect(granted(await acquire(1))).toBe(1)
  await killProcess()
  await startInstance('same')
  expect(granted(await acquire(LIMIT))).toBe(LIMIT - 1)
})

it('trusts the store after a power cut if configured to, or if every write is synced', async () => {
  await startProcess('before')
  expect(granted(await acquire(1))).toBe(1)
  await killProcess()
  await startInstance('after', { ASSUME_LOST_AS_USED: 'false' })
  expect(granted(await acquire(1))).toBe(1)
  await instance?.stop()
  await startProcess('before that')
  await killProcess()
  await startInstance('after that', { NATS_SYNC_INTERVAL_MS: '0' })
  expect(granted(await acquire(1))).toBe(1)
})

it('counts as used what was lost when NATS alone comes back as it was earlier, under an instance that is alive', async () => {
  await startInstance('same')
  expect(granted(await acquire(1))).toBe(1)
  // Its revisions begin again, as after a cut that took the newest.
  const jetstream = await bus.connection.jetstreamManager()
  await jetstream.streams.delete(`KV_${clockMarks.name}`)
  await openBucket(bus, clockMarks)
  await eventually(async () => {
    await acquire(0)
    const { assumed } = await request(bus, capacityStatus, ['c'], {})
    expect(assumed).toMatchObject([{ period: 'minute', metric: 'requests', amount: LIMIT - 1 }, { period: 'hour' }])
  })
  expect(granted(await acquire(1))).toBe(0)
})

it('counts as used what another instance of its machine has marked as lost', async () => {
  await startInstance('same')
  const marks = await openBucket(bus, clockMarks)
  const { value } = await marks.get('same')
  if (value === undefined) throw new Error('an instance that has started has marked the clock')
  const lost = { fromMs: value.clockMs - 1_000, untilMs: value.clockMs, vanished: true as const }
  await marks.put('same', { ...value, lost })
  await eventually(async () => {
    await acquire(0)
    const { assumed } = await request(bus, capacityStatus, ['c'], {})
    expect(assumed).toMatchObject([
      { period: 'minute', amount: LIMIT },
      { period: 'hour', amount: 1_000 },
    ])
  })
  expect(await marks.get('same')).toMatchObject({ value: { lost } })
})
