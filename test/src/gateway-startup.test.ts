import { forEachService, generatePassword, type Postgres, prepareDatabase, startPostgres } from '@sluice/local-servers'
import { temporaryFolder } from '@sluice/testkit'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { type System, startSystem } from './start-system.ts'

let postgres: Postgres
let dataDir: string
let system: System

beforeAll(async () => {
  dataDir = await temporaryFolder()
  postgres = await postgresOn(0)
  const databaseUrls = await prepareDatabase(postgres.url, forEachService(generatePassword))
  system = await startSystem({ gateways: 2, databaseUrls })
})

afterAll(async () => {
  await system.stop()
  await postgres.stop()
})

it('a gateway that restarts while PostgreSQL is down listens when it is back, and the other gateway serves meanwhile', async () => {
  const { apiKey } = await system.connect('steady', [{ period: 'minute', requests: 1_000 }])
  const ask = (gateway: number) =>
    system
      .client('steady', apiKey, gateway)
      .chat.completions.create({ model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Are you there?' }] })
  await Promise.all([ask(0), ask(1)])
  await postgres.stop()
  const pid = system.stack.processes().find(({ name }) => name === 'gateway-2')?.pid
  if (pid === undefined) throw new Error('gateway-2 is not running')
  process.kill(pid, 'SIGKILL')
  const waiting = /gateway-2 \|.*waiting for credentials/
  await vi.waitFor(() => expect(system.logs()).toMatch(waiting), { timeout: 20_000 })
  const health = () => fetch(`${system.stack.gatewayUrls[1]}/healthz`)
  await expect(health()).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } })
  for (let i = 0; i < 5; i++) expect((await ask(0)).choices).toHaveLength(1)
  postgres = await postgresOn(postgres.port)
  await vi.waitFor(async () => expect((await health()).status).toBe(200), { timeout: 20_000 })
  expect((await ask(1)).choices).toHaveLength(1)
  expect(system.logs().match(new RegExp(waiting, 'g'))).toHaveLength(1)
}, 90_000)

function postgresOn(port: number): Promise<Postgres> {
  return startPostgres({ dataDir, port, durable: false, log: () => undefined })
}
