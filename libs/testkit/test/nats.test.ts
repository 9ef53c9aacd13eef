import { createConnection } from 'node:net'
import { connect } from 'nats'
import { afterEach, expect, it } from 'vitest'
import { type TestNats, testNats } from '../src/nats.ts'

const started: TestNats[] = []
afterEach(async () => {
  for (const nats of started.splice(0)) await nats.stop()
})

async function start(...args: Parameters<typeof testNats>): Promise<TestNats> {
  const nats = await testNats(...args)
  started.push(nats)
  return nats
}

it('keeps what it stored over a restart and a crash, on the same address', async () => {
  const nats = await start()
  const { url } = nats
  await withBucket(url, async (bucket) => {
    await bucket.put('key', 'kept')
  })
  await nats.restart()
  expect(await withBucket(url, (bucket) => bucket.get('key')).then((entry) => entry?.string())).toBe('kept')
  await nats.kill()
  expect(await answers(url)).toBe(false)
  await nats.restart()
  expect(await withBucket(url, (bucket) => bucket.get('key')).then((entry) => entry?.string())).toBe('kept')
})

it('starts empty, apart from the others', async () => {
  const [one, other] = await Promise.all([start(), start()])
  await withBucket(one.url, (bucket) => bucket.put('key', 'mine'))
  expect(await withBucket(other.url, (bucket) => bucket.get('key'))).toBeNull()
})

it('takes further configuration', async () => {
  const nats = await start({ extraConfig: 'authorization { user: someone, password: secret }' })
  await expect(connect({ servers: nats.url })).rejects.toThrow('Authorization Violation')
})

async function withBucket<T>(
  url: string,
  use: (
    bucket: Awaited<ReturnType<ReturnType<Awaited<ReturnType<typeof connect>>['jetstream']>['views']['kv']>>,
  ) => Promise<T>,
): Promise<T> {
  const connection = await connect({ servers: url })
  try {
    return await use(await connection.jetstream().views.kv('bucket'))
  } finally {
    await connection.close()
  }
}

function answers(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve) => {
    const socket = createConnection({ host: hostname, port: Number(port) })
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
  })
}
