import { join } from 'node:path'
import { itWhere, smallDisk, whyNoSmallDisk } from '@sluice/testkit'
import OpenAI from 'openai'
import { expect, onTestFinished, vi } from 'vitest'
import { type System, startSystem } from './start-system.ts'

const whyNot = await whyNoSmallDisk()

/** Calls the provider through Sluice, and returns the status of the response. */
async function chat(client: OpenAI): Promise<number> {
  const messages = [{ role: 'user', content: 'Hello' }] as const
  try {
    await client.chat.completions.create({ model: 'gpt-5-mini', messages: [...messages] })
    return 200
  } catch (error) {
    if (error instanceof OpenAI.APIError && error.status !== undefined) return error.status
    throw error
  }
}

/** Fills the disk and frees it again. @param meanwhile is called while the disk is full */
async function fillAndFree(meanwhile: (system: System) => Promise<void>): Promise<void> {
  const disk = await smallDisk(512)
  onTestFinished(() => disk.remove())
  const system = await startSystem({ dataDir: join(disk.path, 'data') })
  onTestFinished(() => system.stop())
  const { id, apiKey } = await system.connect('full', [{ period: 'minute', requests: 1_000_000 }])
  const client = system.client('full', apiKey)
  let sent = 0
  const send = () => {
    sent++
    return chat(client)
  }
  expect(await send()).toBe(200)

  // Fill it repeatedly, as compaction keeps freeing a little space.
  await vi.waitFor(
    async () => {
      await disk.fill()
      expect(await send()).toBe(503)
      expect(system.logs()).toMatch(/The disk is full: NATS stores nothing.* 0 bytes free of 512\.0 MiB in /)
    },
    { timeout: 60_000 },
  )
  await meanwhile(system)
  await disk.free()
  await vi.waitFor(async () => expect(await send()).toBe(200), { timeout: 60_000 })
  const to = new Date(Date.now() + 60_000).toISOString()
  await vi.waitFor(
    async () => {
      const usage = await system.admin.get<{ points: { requests: number }[] }>(`/connections/${id}/usage?to=${to}`)
      expect(usage.points.reduce((sum, { requests }) => sum + requests, 0)).toBe(sent)
    },
    { timeout: 30_000 },
  )
}

itWhere(
  whyNot === undefined,
  `${whyNot}`,
  'a full disk is reported, and after space is freed requests succeed without a restart and no event is missing',
  () => fillAndFree(async () => undefined),
  180_000,
)

itWhere(
  whyNot === undefined,
  `${whyNot}`,
  'requests succeed and no event is missing after NATS is killed while the disk is full',
  () =>
    fillAndFree(async (system) => {
      const nats = () => system.stack.processes().find(({ name }) => name === 'nats')?.pid
      const killed = nats() ?? expect.unreachable()
      process.kill(killed, 'SIGKILL')
      await vi.waitFor(
        () => {
          expect(nats()).toBeTypeOf('number')
          expect(nats()).not.toBe(killed)
        },
        { timeout: 30_000 },
      )
    }),
  180_000,
)
