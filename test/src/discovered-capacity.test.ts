import { setInterval } from 'node:timers/promises'
import OpenAI from 'openai'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type System, startSystem } from './start-system.ts'

/** The provider's limit for each account, which is not configured in Sluice. */
const REQUESTS_A_MINUTE = 60
/** Ten times the limit. */
const INTERVAL_MS = 100
const DEMAND = 180

let system: System

beforeAll(async () => {
  system = await startSystem()
})
afterAll(() => system.stop())

const call = { model: 'gpt-4o-mini', messages: [{ role: 'user' as const, content: 'Hello' }] }

async function connect(name: string, enforceDiscovered: boolean) {
  const upstreamKey = `sk-upstream-${name}-0123456789`
  const limits = { requests: { limit: REQUESTS_A_MINUTE, period: 'minute' as const } }
  system.simulator.accounts.register({ apiKey: upstreamKey, limits })
  const { apiKey } = await system.connect(name, [], { upstreamKey, enforceDiscovered })
  return { upstreamKey, client: system.client(name, apiKey) }
}

/** Sends ten times the limit for 18 seconds, and returns how many requests the provider received and refused. */
async function demand({ client, upstreamKey }: Awaited<ReturnType<typeof connect>>) {
  const { total: before } = system.simulator.requests.counts(upstreamKey)
  const outcomes: Promise<unknown>[] = []
  for await (const _ of setInterval(INTERVAL_MS)) {
    outcomes.push(client.chat.completions.create(call).catch((error: unknown) => error))
    if (outcomes.length === DEMAND) break
  }
  const refusals = (await Promise.all(outcomes)).filter((outcome) => outcome instanceof OpenAI.RateLimitError)
  const { total, byStatus } = system.simulator.requests.counts(upstreamKey)
  return { received: total - before, refusedByProvider: byStatus[429] ?? 0, refusals }
}

it('the provider refuses fewer than 1 % at ten times its unconfigured limit, alone and beside other callers', async () => {
  const [held, notHeld, shared] = await Promise.all([
    connect('held', true),
    connect('not-held', false),
    connect('shared', true),
  ])
  const others = new OpenAI({ apiKey: shared.upstreamKey, baseURL: system.simulator.openaiBaseUrl })
  await Promise.all(Array.from({ length: 40 }, () => others.chat.completions.create(call)))

  const [ofHeld, ofNotHeld, ofShared] = await Promise.all([demand(held), demand(notHeld), demand(shared)])

  expect(ofHeld.received).toBe(REQUESTS_A_MINUTE)
  expect(ofHeld.refusedByProvider / ofHeld.received).toBeLessThan(0.01)
  expect(ofHeld.refusals.at(-1)?.message).toMatch(
    /Model "gpt-4o-mini" of connection "held" is at its provider's limit of 60 requests per minute\. Retry in [\d.]+ s\./,
  )
  expect(ofNotHeld.refusedByProvider / ofNotHeld.received).toBeGreaterThan(0.05)
  expect(ofShared.received).toBeGreaterThanOrEqual(15)
  expect(ofShared.refusedByProvider / ofShared.received).toBeLessThan(0.01)
}, 60_000)
