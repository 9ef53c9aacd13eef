import { setInterval } from 'node:timers/promises'
import OpenAI from 'openai'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type System, startSystem } from './start-system.ts'

/** What the provider gives each account; nothing of it is configured. */
const REQUESTS_A_MINUTE = 60
/** Ten times as much. */
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

/** Demands ten times the limit for 18 seconds, and tells what the provider answered meanwhile. */
async function demand({ client, upstreamKey }: Awaited<ReturnType<typeof connect>>) {
  const { total: before } = system.simulator.requests.counts(upstreamKey)
  const outcomes: Promise<unknown>[] = []
  for await (const _ of setInterval(INTERVAL_MS)) {
    outcomes.push(client.chat.completions.create(call).catch((error: unknown) => error))
    if (outcomes.length === DEMAND) break
  }
  const refusals = (await Promise.all(outcomes)).filter((outcome) => outcome instanceof OpenAI.RateLimitError)
  const { total, byStatus } = system.simulator.requests.counts(upstreamKey)
  return { answers: total - before, refusedByProvider: byStatus[429] ?? 0, refusals }
}

it('has a provider refuse fewer than 1 % at ten times its limit, which nobody configured, alone and beside others', async () => {
  const [held, notHeld, shared] = await Promise.all([
    connect('held', true),
    connect('not-held', false),
    connect('shared', true),
  ])
  const others = new OpenAI({ apiKey: shared.upstreamKey, baseURL: system.simulator.openaiBaseUrl })
  await Promise.all(Array.from({ length: 40 }, () => others.chat.completions.create(call)))

  const [ofHeld, ofNotHeld, ofShared] = await Promise.all([demand(held), demand(notHeld), demand(shared)])

  expect(ofHeld.answers).toBe(REQUESTS_A_MINUTE)
  expect(ofHeld.refusedByProvider / ofHeld.answers).toBeLessThan(0.01)
  expect(ofHeld.refusals.at(-1)?.message).toMatch(
    /Model "gpt-4o-mini" of connection "held" is at its provider's limit of 60 requests per minute\. Retry in [\d.]+ s\./,
  )
  expect(ofNotHeld.refusedByProvider / ofNotHeld.answers).toBeGreaterThan(0.05)
  expect(ofShared.answers).toBeGreaterThanOrEqual(15)
  expect(ofShared.refusedByProvider / ofShared.answers).toBeLessThan(0.01)
}, 60_000)
