import type { ProjectedConnection } from '@sluice/contracts'
import type { ProviderSimulator } from '@sluice/provider-simulator'
import { eventually } from '@sluice/testkit'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { postJson } from './testing/exchange.ts'
import { startDataPath, type TestDataPath } from './testing/start-data-path.ts'
import type { TestGateway } from './testing/start-gateway.ts'

const MODEL = 'gpt-4.1-mini'
/** Far more bytes for each token than four, by the simulator's count. */
const MESSAGES = [{ role: 'user', content: 'äöü '.repeat(250) }]
const LIMIT = 100_000
const TOO_MUCH = 200_000
let path: TestDataPath
let simulator: ProviderSimulator
let gateway: TestGateway
let apiKey: string

beforeAll(async () => {
  path = await startDataPath()
  ;({ simulator, gateway, apiKey } = path)
})

afterAll(() => path?.stop())

/** A connection that nothing was learned of, once the gateway has `settings`. */
async function connection(settings: Partial<ProjectedConnection>) {
  const capacity: ProjectedConnection['capacity'] = [{ period: 'minute', tokens: LIMIT }]
  const made = await gateway.connection({ baseUrl: simulator.url, capacity, ...settings })
  const send = (body: object) =>
    postJson(`${made.baseURL}/chat/completions`, apiKey, { model: MODEL, messages: MESSAGES, ...body })
  /** What a request would reserve that is more than the connection will ever bear. */
  const reservation = async (body: object): Promise<number> => {
    const { body: answer } = await send(body)
    return Number(/needs (\d+) tokens/.exec(answer.toString())?.[1])
  }
  await eventually(async () => expect(await reservation({ max_tokens: TOO_MUCH })).toBeGreaterThan(TOO_MUCH))
  return { ...made, send, reservation }
}

const promptBytes = (body: object) => Buffer.byteLength(JSON.stringify({ model: MODEL, messages: MESSAGES, ...body }))

it('reserves what the provider has counted, once it has counted', async () => {
  const { send, reservation } = await connection({})
  expect(await reservation({ max_tokens: TOO_MUCH })).toBe(
    TOO_MUCH + Math.ceil(promptBytes({ max_tokens: TOO_MUCH }) / 4),
  )
  let counted = 0
  for (let i = 0; i < 30; i++) counted = JSON.parse((await send({})).body.toString()).usage.prompt_tokens
  const learned = (await reservation({ max_tokens: TOO_MUCH })) - TOO_MUCH
  expect(Math.abs(learned / counted - 1)).toBeLessThan(0.1)
  expect(promptBytes({}) / 4 / counted).toBeGreaterThan(1.4)
})

it('reserves the expected output of a connection that wants it so, also after a change of its settings', async () => {
  const { send, reservation, settings } = await connection({ tokenReservation: 'expected' })
  for (let i = 0; i < 25; i++) await send({})
  // What answers are expected to have fits: it is let through.
  await eventually(async () => expect((await send({ max_tokens: TOO_MUCH })).status).toBe(200))
  await gateway.connections.put(settings.id, { ...settings, version: 2, capacity: [{ period: 'minute', tokens: 10 }] })
  await eventually(async () => expect(await reservation({ max_tokens: TOO_MUCH })).toBeLessThan(2_000))
})

it('forgets a connection that is deleted', async () => {
  const { send, reservation, settings } = await connection({ tokenReservation: 'expected' })
  for (let i = 0; i < 25; i++) await send({})
  expect((await send({ max_tokens: TOO_MUCH })).status).toBe(200)
  await gateway.connections.delete(settings.id)
  await eventually(async () => expect((await send({})).status).toBe(404))
  await gateway.connections.put(settings.id, settings)
  await eventually(async () => expect(await reservation({ max_tokens: TOO_MUCH })).toBeGreaterThan(TOO_MUCH))
})
