import type { ResponseEvent } from '@sluice/contracts'
import { startProviderSimulator } from '@sluice/provider-simulator'
import { providerAdapter } from '@sluice/providers'
import { expect, it } from 'vitest'
import { type ConnectionLimit, learn } from '../src/learn/learn.ts'
import { readingsOf } from '../src/learn/limit-reading.ts'

const ACCOUNTS = [
  { requests: { limit: 60, period: 'minute' }, tokens: { limit: 10_000, period: 'day' } },
  { requests: { limit: 10_000, period: 'day' }, tokens: { limit: 200_000, period: 'minute' } },
  { requests: { limit: 500, period: 'minute' }, tokens: { limit: 500_000, period: 'minute' } },
  { requests: { limit: 200, period: 'day' }, tokens: { limit: 50_000_000, period: 'day' } },
  { requests: { limit: 30_000, period: 'minute' }, tokens: { limit: 400_000, period: 'minute' } },
] as const
const PERIODS_MS = { minute: 60_000, day: 86_400_000 }

it('distinguishes minute from day limits after three responses at most, however far apart they are', async () => {
  let nowMs = 1_764_000_000_000
  const simulator = await startProviderSimulator({ clock: () => nowMs })
  try {
    for (const [index, limits] of ACCOUNTS.entries()) {
      for (const gapMs of [0, 1, 40, 700, 12_000, 90_000]) {
        const apiKey = `sk-${index}-${gapMs}`
        simulator.accounts.register({ apiKey, limits })
        let known: readonly ConnectionLimit[] = []
        for (let responses = 0; responses < 3; responses++, nowMs += gapMs) {
          const event = await responseTo(simulator.openaiBaseUrl, apiKey, nowMs + responses)
          known = learn(known, readingsOf(batchOf(event), Number.POSITIVE_INFINITY)).limits
        }
        expect(known, JSON.stringify({ limits, gapMs })).toMatchObject([
          { dimension: 'requests', limit: limits.requests.limit, periodMs: PERIODS_MS[limits.requests.period] },
          { dimension: 'tokens', limit: limits.tokens.limit, periodMs: PERIODS_MS[limits.tokens.period] },
        ])
      }
    }
  } finally {
    await simulator.stop()
  }
})

async function responseTo(baseUrl: string, apiKey: string, headersAtMs: number): Promise<ResponseEvent> {
  const response = await fetch(`${baseUrl}/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'gpt-4o', messages: [{ role: 'user', content: 'Hello!' }] }),
  })
  await response.arrayBuffer()
  const rateLimitHeaders = providerAdapter('openai').rateLimitHeaders(Object.fromEntries(response.headers)) ?? {}
  const event = { requestId: 'r', startedAtMs: 0, endedAtMs: 0, apiKeyId: 'k', model: 'm', outcome: 'success' as const }
  return { ...event, rateLimitHeaders, headersAtMs }
}

function batchOf(event: ResponseEvent) {
  return { connectionId: 'c', provider: 'openai' as const, gateway: 'g', batch: 1, events: [event] }
}
