import { expect, it } from 'vitest'
import { unreadableLog } from './unreadable-log.ts'

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
