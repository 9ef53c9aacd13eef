import { learnedModels, type ProjectedConnection } from '@sluice/contracts'
import { openBucket } from '@sluice/messaging'
import type { ProviderSimulator } from '@sluice/provider-simulator'
import { eventually } from '@sluice/testkit'
import { beforeAll, expect, it } from 'vitest'
import { postJson } from './support/send-request.ts'
import { startBeforeAll } from './support/start-before-all.ts'
import { startDataPath } from './support/start-data-path.ts'
import { startGateway, type TestGateway } from './support/start-gateway.ts'

const MODEL = 'gpt-4.1-mini'
/** Far more bytes for each token than four, by the simulator's count. */
const MESSAGES = [{ role: 'user', content: 'äöü '.repeat(272) }]
const LIMIT = 100_000
const TOO_MUCH = 200_000
const credential = { apiKey: 'sk-upstream' }
let simulator: ProviderSimulator
let gateway: TestGateway
let apiKey: string

const path = startBeforeAll(startDataPath)
beforeAll(async () => {
  ;({ simulator, gateway, apiKey } = path)
})

/** A connection that nothing was learned of, once the gateway has `settings`. */
async function connection(settings: Partial<ProjectedConnection>) {
  const capacity: ProjectedConnection['capacity'] = [{ period: 'minute', tokens: LIMIT }]
  const made = await gateway.connection({ baseUrl: simulator.url, capacity, ...settings })
  const send = (body: object) =>
    postJson(`${made.baseURL}/chat/completions`, apiKey, { model: MODEL, messages: MESSAGES, ...body })
  /** Returns what a request would reserve that is more than the connection can grant. */
  const reservation = async (body: object): Promise<number> => {
    const { body: response } = await send(body)
    return Number(/needs (\d+) tokens/.exec(response.toString())?.[1])
  }
  await eventually(async () => expect(await reservation({ max_tokens: TOO_MUCH })).toBeGreaterThan(TOO_MUCH))
  return { ...made, send, reservation }
}

const promptBytes = () => MESSAGES.reduce((sum, { content }) => sum + Buffer.byteLength(content), 0)
const GPT_BYTES_PER_TOKEN = 4.4
/** The frame tokens of a prompt, and of one message. */
const FRAME_TOKENS = 7

it('reserves by the provider’s earlier counts', async () => {
  const { send, reservation } = await connection({ tokenReservation: 'maximum' })
  expect(await reservation({ max_tokens: TOO_MUCH })).toBe(
    TOO_MUCH + Math.ceil(promptBytes() / GPT_BYTES_PER_TOKEN + FRAME_TOKENS),
  )
  let counted = 0
  for (let i = 0; i < 30; i++) counted = JSON.parse((await send({})).body.toString()).usage.prompt_tokens
  const learned = (await reservation({ max_tokens: TOO_MUCH })) - TOO_MUCH
  expect(Math.abs(learned / counted - 1)).toBeLessThan(0.1)
  expect(promptBytes() / GPT_BYTES_PER_TOKEN / counted).toBeGreaterThan(1.4)
})

it('reserves the expected output if the connection says so, also after a change of its settings', async () => {
  const { send, reservation, settings } = await connection({ tokenReservation: 'expected' })
  for (let i = 0; i < 25; i++) await send({})
  // The expected output fits: the request is let through.
  await eventually(async () => expect((await send({ max_tokens: TOO_MUCH })).status).toBe(200))
  await gateway.connections.put(settings.id, { ...settings, version: 2, capacity: [{ period: 'minute', tokens: 10 }] })
  await eventually(async () => expect(await reservation({ max_tokens: TOO_MUCH })).toBeLessThan(2_000))
})

it('admits a request that states a maximum far above the limit, from the first one on', async () => {
  const capacity: ProjectedConnection['capacity'] = [{ period: 'minute', tokens: 40_000 }]
  const made = await gateway.connection({ baseUrl: simulator.url, capacity })
  const body = { model: MODEL, messages: MESSAGES, max_tokens: 64_000 }
  await eventually(async () => {
    expect((await postJson(`${made.baseURL}/chat/completions`, apiKey, body)).status).toBe(200)
  })
})

it('names the parameter that reserves too much, and refuses a prompt that is too large by itself', async () => {
  const { send } = await connection({ tokenReservation: 'maximum' })
  const { status, body } = await send({ max_completion_tokens: TOO_MUCH })
  expect(status).toBe(400)
  expect(body.toString()).toContain(`as max_completion_tokens is ${TOO_MUCH}: lower it.`)
  const bounded = await gateway.connection({
    baseUrl: simulator.url,
    capacity: [{ period: 'minute', tokens: 100 }],
  })
  const large = { model: MODEL, messages: MESSAGES, max_tokens: 1 }
  await eventually(async () => {
    const response = await postJson(`${bounded.baseURL}/chat/completions`, apiKey, large)
    expect([response.status, response.body.toString()]).toEqual([400, expect.stringContaining('shorten the prompt.')])
  })
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

// Ends the gateway that the other tests use: it stays the last one.
it('restores what was learned after a restart, until the connection is deleted', async () => {
  const { send, reservation, settings } = await connection({ tokenReservation: 'maximum' })
  for (let i = 0; i < 30; i++) await send({})
  const untaught = TOO_MUCH + Math.ceil(promptBytes() / GPT_BYTES_PER_TOKEN + FRAME_TOKENS)
  const learned = await reservation({ max_tokens: TOO_MUCH })
  expect(learned).not.toBe(untaught)
  await gateway.service.stop()
  const restarted = await startGateway({ natsUrl: path.natsUrl })
  try {
    restarted.credentials.set(settings.id, credential)
    const url = `${restarted.url}/connections/${settings.name}/v1/chat/completions`
    // The credential is requested again: at its start, this gateway got the reply that there is none.
    await eventually(async () => {
      const { body } = await postJson(url, apiKey, { model: MODEL, messages: MESSAGES, max_tokens: TOO_MUCH })
      expect(body.toString()).toContain(`needs ${learned} tokens`)
    })
    const bucket = await openBucket(restarted.bus, learnedModels)
    expect((await bucket.get(settings.id)).value?.models).toMatchObject([{ model: MODEL }])
    await restarted.connections.delete(settings.id)
    await eventually(async () => expect((await bucket.get(settings.id)).value).toBeUndefined())
  } finally {
    await restarted.stop()
  }
})
