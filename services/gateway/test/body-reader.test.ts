import { readdir, readFile } from 'node:fs/promises'
import { providerAdapter } from '@sluice/providers'
import { itWhere } from '@sluice/testkit'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { ClientDisconnected, createBodyReader, type RunningBodyReader } from '../src/estimate/body-reader.ts'

let bodyReader: RunningBodyReader
beforeEach(() => {
  bodyReader = createBodyReader(
    () => performance.now(),
    (fault) => {
      throw fault
    },
  )
})
afterEach(() => bodyReader.stop())

const LONG = { owner: 'a', estimatedNs: 1e9, isDisconnected: () => false }
const SHORT = { ...LONG, estimatedNs: 1_000 }
const operation = providerAdapter('openai').operation('POST', '/v1/chat/completions')

function inspect(body: Buffer, task = LONG) {
  if (operation === undefined) throw new Error('there is no such operation')
  return bodyReader.read('inspect', { provider: 'openai', operation, judged: true, headers: {}, body }, task)
}

const chat = (content: string) =>
  Buffer.from(JSON.stringify({ model: 'm', stream: true, max_tokens: 7, messages: [{ role: 'user', content }] }))

it('reads the same in this thread and in the other', async () => {
  for (const content of ['Hi', 'x'.repeat(300_000), 'é'.repeat(100_000)]) {
    const here = inspect(chat(content), SHORT)
    expect(here).not.toBeInstanceOf(Promise)
    expect(await inspect(chat(content))).toEqual(here)
  }
  expect(await inspect(Buffer.from('[]'))).toMatchObject({ isNoObject: true, body: Buffer.from('[]') })
  expect(await bodyReader.read('bodyFault', { body: Buffer.from('[]') }, LONG)).toContain('an array')
})

it('translates the same in this thread and in the other', async () => {
  const body = { model: 'c/claude', messages: [{ role: 'user', content: 'Hi' }], stop: ['a'] }
  const translate = (task: typeof LONG) =>
    bodyReader.read(
      'translate',
      {
        provider: 'anthropic',
        kind: 'chat',
        judged: false,
        model: 'claude',
        defaultMaxOutputTokens: 9,
        images: new Map(),
        responseId: 'id',
        receivedAtMs: 1,
        body: Buffer.from(JSON.stringify(body)),
      },
      task,
    )
  const here = translate(SHORT)
  expect(here).toMatchObject({ status: 'translated', inspection: { model: 'claude', maxOutputTokens: 9 } })
  expect(await translate(LONG)).toEqual(here)
})

it('leaves this thread free while it reads in the other', async () => {
  const slow = Buffer.from(`{"model":"m","messages":[${'[],'.repeat(1_000_000)}[]]}`)
  // Starts the thread.
  await inspect(chat('Hi'))
  let longestMs = 0
  let lastMs = performance.now()
  const ticking = setInterval(() => {
    longestMs = Math.max(longestMs, performance.now() - lastMs)
    lastMs = performance.now()
  }, 1)
  const beganMs = performance.now()
  await inspect(slow)
  const tookMs = performance.now() - beganMs
  clearInterval(ticking)
  expect(longestMs).toBeLessThan(tookMs / 2)
})

itWhere(
  process.platform === 'linux',
  'threads have no priority of their own',
  'lets other threads go first',
  async () => {
    await inspect(chat('Hi'))
    const niceOf = async (thread: string): Promise<number> => {
      const stat = await readFile(`/proc/self/task/${thread}/stat`, 'utf8')
      return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16])
    }
    const threads = await readdir('/proc/self/task')
    const own = await niceOf(String(process.pid))
    expect((await Promise.all(threads.map(niceOf))).filter((nice) => nice > own)).toHaveLength(1)
  },
)

it('reads nothing for clients that disconnected while they waited', async () => {
  const order: string[] = []
  const reading = (isDisconnected: () => boolean, name: string) =>
    Promise.resolve(inspect(chat('x'.repeat(100_000)), { ...LONG, isDisconnected })).then(() => order.push(name))
  const first = reading(() => false, 'first')
  const disconnected = expect(reading(() => true, 'disconnected')).rejects.toBeInstanceOf(ClientDisconnected)
  await Promise.all([first, disconnected, reading(() => false, 'last')])
  expect(order).toEqual(['first', 'last'])
})

it('reads for API keys in turn', async () => {
  const order: string[] = []
  const reading = (owner: string) =>
    Promise.resolve(inspect(chat('x'.repeat(100_000)), { ...LONG, owner })).then(() => order.push(owner))
  await Promise.all([...Array.from({ length: 9 }, () => reading('greedy')), reading('other')])
  expect(order.indexOf('other')).toBeLessThanOrEqual(2)
})

it('fails the reading in progress and those that wait when it stops', async () => {
  await inspect(chat('Hi'))
  const lost = inspect(Buffer.from(`{"model":"m","messages":[${'[],'.repeat(1_000_000)}[]]}`))
  const waiting = inspect(chat('Hi'))
  const fails = [lost, waiting].map((reading) => expect(reading).rejects.toMatchObject({ code: 'unavailable' }))
  await Promise.all([bodyReader.stop(), ...fails])
})
