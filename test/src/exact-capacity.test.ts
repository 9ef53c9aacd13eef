import OpenAI from 'openai'
import { afterEach, expect, it } from 'vitest'
import { type System, startSystem } from './start-system.ts'

let system: System

afterEach(() => system.stop())

it.each([
  { gateways: 1, capacities: 1 },
  { gateways: 2, capacities: 2 },
])(
  'admits exactly 10 of 100 concurrent requests at 10 a minute: $gateways gateways, $capacities capacity instances',
  async (instances) => {
    system = await startSystem(instances)
    const { apiKey } = await system.connect('ten-a-minute', [{ period: 'minute', requests: 10 }])
    const outcomes = await Promise.all(
      Array.from({ length: 100 }, (_, i) =>
        system
          .client('ten-a-minute', apiKey, i % instances.gateways)
          .chat.completions.create({ model: 'gpt-4o-mini', messages: [{ role: 'user', content: `request ${i}` }] })
          .catch((error: unknown) => error),
      ),
    )
    const denied = outcomes.filter((outcome) => outcome instanceof OpenAI.RateLimitError)
    expect(denied).toHaveLength(90)
    for (const error of denied) {
      expect(Number(error.headers.get('retry-after'))).toBeGreaterThan(0)
      expect(Number(error.headers.get('retry-after'))).toBeLessThanOrEqual(62)
      expect(error.message).toMatch(
        /Connection "ten-a-minute" is at its capacity of 10 requests per minute\. Retry in [\d.]+ s\./,
      )
    }
    expect(outcomes.filter((outcome) => !(outcome instanceof Error))).toHaveLength(10)
    expect(system.simulator.requests.counts().total).toBe(10)
  },
)
