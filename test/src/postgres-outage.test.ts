import { setTimeout as delay } from 'node:timers/promises'
import type { UsagePoint } from '@sluice/contracts'
import { forEachService, generatePassword, type Postgres, prepareDatabase, startPostgres } from '@sluice/local-servers'
import { temporaryFolder } from '@sluice/testkit'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { type System, startSystem } from './start-system.ts'

/** How long PostgreSQL is down. The promise is a minute (`POSTGRES_OUTAGE_S=60`); the mechanism is the same. */
const OUTAGE_MS = Number(process.env.POSTGRES_OUTAGE_S ?? 8) * 1_000
const CALLERS = 4

let postgres: Postgres
let dataDir: string
let system: System
let id: string
let apiKey: string

beforeAll(async () => {
  dataDir = await temporaryFolder()
  postgres = await postgresOn(0)
  const databaseUrls = await prepareDatabase(postgres.url, forEachService(generatePassword))
  system = await startSystem({ databaseUrls })
  ;({ id, apiKey } = await system.connect('steady', [{ period: 'minute', requests: 1_000_000 }]))
})

afterAll(async () => {
  await system.stop()
  await postgres.stop()
})

it(
  'no request fails while PostgreSQL is stopped under traffic, and usage has the exact sums afterwards',
  async () => {
    const startedAt = new Date(Date.now() - 60_000)
    const sent = { requests: 0, inputTokens: 0, outputTokens: 0, failures: [] as unknown[] }
    let isOver = false
    const caller = async (): Promise<void> => {
      const client = system.client('steady', apiKey)
      while (!isOver) {
        try {
          const { usage } = await client.chat.completions.create({
            model: 'gpt-4o-mini',
            messages: [{ role: 'user', content: 'is anybody writing this down?' }],
          })
          sent.requests += 1
          sent.inputTokens += usage?.prompt_tokens ?? 0
          sent.outputTokens += usage?.completion_tokens ?? 0
        } catch (error) {
          sent.failures.push(error)
        }
      }
    }
    const traffic = Promise.all(Array.from({ length: CALLERS }, caller))
    await vi.waitFor(async () => expect(await usage(startedAt)).not.toHaveLength(0), { timeout: 20_000 })

    await postgres.stop()
    const requestsBefore = sent.requests
    await delay(OUTAGE_MS)
    const requestsDuring = sent.requests - requestsBefore
    postgres = await postgresOn(postgres.port)
    isOver = true
    await traffic

    expect(sent.failures).toEqual([])
    expect(requestsDuring).toBeGreaterThan(CALLERS)
    await vi.waitFor(
      async () => {
        const points = await usage(startedAt)
        const sum = (field: 'requests' | 'inputTokens' | 'outputTokens') =>
          points.reduce((total, point) => total + point[field], 0)
        const { failures: _none, ...expected } = sent
        expect({
          requests: sum('requests'),
          inputTokens: sum('inputTokens'),
          outputTokens: sum('outputTokens'),
        }).toEqual(expected)
      },
      { timeout: 60_000 },
    )
  },
  OUTAGE_MS + 150_000,
)

async function usage(from: Date): Promise<readonly UsagePoint[]> {
  const to = new Date(Date.now() + 60_000)
  const range = `from=${from.toISOString()}&to=${to.toISOString()}&step=1m`
  return (await system.admin.get<{ points: UsagePoint[] }>(`/connections/${id}/usage?${range}`)).points
}

function postgresOn(port: number): Promise<Postgres> {
  return startPostgres({ dataDir, port, durable: false, log: () => undefined })
}
