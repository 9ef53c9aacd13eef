import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { defineBucket, defineStream, responses } from '@sluice/contracts'
import { eventually, itWhere, smallDisk, temporaryFolder, testNats, whyNoSmallDisk } from '@sluice/testkit'
import { Type } from 'typebox'
import { expect, it, onTestFinished } from 'vitest'
import { openBucket } from '../src/bucket.ts'
import { type Bus, connectBus } from '../src/bus.ts'
import { NoRoomError, NotConfirmedError } from '../src/errors.ts'
import { ensureStream, publishToStream } from '../src/stream.ts'

const texts = defineStream({
  name: 'TEXTS',
  subject: (id: string) => `texts.${id}`,
  message: Type.String(),
  maxAgeMs: 3_600_000,
  maxBytes: 6_000_000,
  duplicateWindowMs: 60_000,
})
const counters = defineBucket({ name: 'counters', value: Type.String() })

async function connect(url: string): Promise<Bus> {
  const bus = await connectBus({ servers: url, name: 'no-room.test', jetstreamTimeoutMs: 1_000 })
  onTestFinished(() => bus.close())
  return bus
}

async function start(config: string, dataDir?: string) {
  const configFile = join(await temporaryFolder(), 'nats.conf')
  const write = (text: string) => writeFile(configFile, `jetstream { ${text} }`)
  await write(config)
  const nats = await testNats({ configFile, ...(dataDir === undefined ? {} : { dataDir }) })
  onTestFinished(() => nats.stop())
  return { nats, write }
}

/** Calls `store` until it fails, and returns the fault. */
async function faultOf(store: (text: string) => Promise<unknown>): Promise<unknown> {
  for (let kilobytes = 0; kilobytes < 100_000; kilobytes += 200) {
    try {
      await store('x'.repeat(200_000))
    } catch (error) {
      return error
    }
  }
  return undefined
}

it('says that NATS has no room by its own limit, and stores again once there is some', async () => {
  const { nats } = await start('max_file_store: 8MB')
  const bus = await connect(nats.url)
  await ensureStream(bus, { ...texts, maxBytes: -1 })
  const bucket = await openBucket(bus, counters)
  let count = 0
  const store = (text: string) => publishToStream(bus, texts, ['a'], text, String(++count))
  const fault = await faultOf(store)
  expect(fault).toBeInstanceOf(NoRoomError)
  expect(fault).toMatchObject({ code: 'unavailable', message: expect.stringContaining('no room left for texts.a') })
  await expect(bucket.put('k', 'x'.repeat(200_000))).rejects.toBeInstanceOf(NoRoomError)
  await bus.jetstreamManager.streams.purge(texts.name)
  await store('again')
})

it('says that NATS has no room to reserve what a stream may take', async () => {
  const { nats } = await start('max_file_store: 4MB')
  await expect(ensureStream(await connect(nats.url), texts)).rejects.toMatchObject({
    name: 'NoRoomError',
    message: expect.stringContaining('the stream TEXTS (insufficient storage resources available)'),
  })
})

it('creates the stream of responses where NATS may take 600 MB', async () => {
  const { nats } = await start('max_file_store: 600MB')
  await ensureStream(await connect(nats.url), responses)
})

it('takes a stream that was created larger than NATS has room for by now, with what it holds', async () => {
  const { nats, write } = await start('max_file_store: 8GB')
  const before = await connect(nats.url)
  await ensureStream(before, { ...texts, maxBytes: 4 * 1024 ** 3 })
  await publishToStream(before, texts, ['a'], 'kept', '1')
  await before.close()
  await write('max_file_store: 1GB')
  await nats.restart()
  const bus = await connect(nats.url)
  await ensureStream(bus, texts)
  await publishToStream(bus, texts, ['a'], 'next', '2')
  const { state } = await bus.jetstreamManager.streams.info(texts.name)
  expect(state.messages).toBe(2)
})

const whyNot = await whyNoSmallDisk()

itWhere(
  whyNot === undefined,
  whyNot ?? '',
  'says that NATS does not confirm a write while its disk is full, and stores again once it was restarted with room',
  async () => {
    const disk = await smallDisk(16)
    onTestFinished(() => disk.remove())
    const { nats } = await start('max_file_store: 1GB', join(disk.path, 'data'))
    const bus = await connect(nats.url)
    await ensureStream(bus, { ...texts, maxBytes: -1 })
    let count = 0
    const store = (text: string) => publishToStream(bus, texts, ['a'], text, String(++count))
    const fault = await faultOf(store)
    expect(fault).toBeInstanceOf(NotConfirmedError)
    expect(fault).toMatchObject({ code: 'unavailable', message: expect.stringContaining('full') })
    expect(await disk.freeBytes()).toBeLessThan(200_000)
    await disk.grow(64)
    await nats.kill()
    await nats.restart()
    await eventually(() => store('again'), { timeoutMs: 15_000 })
  },
)
