import { expect, it } from 'vitest'
import { UnreadableTally, unreadableLog } from './unreadable.ts'

it('counts by provider, dimension and part', () => {
  const tally = new UnreadableTally()
  tally.count('openai', { dimension: 'tokens', unreadable: ['limit', 'reset'] })
  tally.count('openai', { dimension: 'tokens', unreadable: ['limit'] })
  tally.count('groq', { dimension: 'tokens', unreadable: ['limit'] })
  tally.count('groq', { dimension: 'tokens', limit: 5 })
  expect(tally.counts()).toEqual([
    { provider: 'openai', dimension: 'tokens', part: 'limit', responses: 2 },
    { provider: 'openai', dimension: 'tokens', part: 'reset', responses: 1 },
    { provider: 'groq', dimension: 'tokens', part: 'limit', responses: 1 },
  ])
})

it('stays small, whatever dimensions a provider makes up', () => {
  const tally = new UnreadableTally()
  for (let index = 0; index < 2_000; index++) {
    tally.count('openai', { dimension: `${index}`.padEnd(5_000, 'x'), unreadable: ['limit'] })
  }
  expect(tally.counts()).toHaveLength(500)
  expect(JSON.stringify(tally.counts()).length).toBeLessThan(200_000)
})

it('logs the first, and then one a minute with how many there were', () => {
  let nowMs = 0
  const lines: unknown[] = []
  const log = unreadableLog({ warn: (line: object) => void lines.push(line) }, () => nowMs)
  for (nowMs = 0; nowMs <= 60_000; nowMs += 1_000) log('openai', { dimension: 'tokens', unreadable: ['limit'] })
  expect(lines).toEqual([
    { provider: 'openai', dimension: 'tokens', unreadable: ['limit'], readings: 1 },
    { provider: 'openai', dimension: 'tokens', unreadable: ['limit'], readings: 61 },
  ])
})
