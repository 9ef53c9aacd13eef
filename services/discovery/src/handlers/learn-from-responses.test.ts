import type { ResponseBatch } from '@sluice/contracts'
import { createLogger } from '@sluice/service-kit'
import { expect, it } from 'vitest'
import { learnFromResponses } from './learn-from-responses.ts'

it('has a connection erased again that was deleted while it was learnt of', async () => {
  let exists = true
  const forgotten: string[] = []
  const learn = learnFromResponses({
    store: {
      learn: async () => {
        exists = false
        return []
      },
      limitsOf: async () => new Map(),
      forget: async () => undefined,
      connectionIds: async () => [],
    },
    projection: { refresh: async () => undefined, connectionIds: async () => [] },
    connections: { exists: async () => exists },
    forget: (connectionId) => void forgotten.push(connectionId),
    announce: () => undefined,
    now: () => 10,
    logger: createLogger('discovery', 'silent'),
  })
  await learn([{ message: batch(), streamSequence: 1, redelivered: false }])
  expect(forgotten).toEqual(['c'])
})

function batch(): ResponseBatch {
  const rateLimitHeaders = { 'x-ratelimit-limit-requests': '5' }
  const event = { requestId: 'r', startedAtMs: 1, endedAtMs: 1, apiKeyId: 'k', model: 'm', outcome: 'success' as const }
  return { connectionId: 'c', provider: 'openai', gateway: 'g', batch: 1, events: [{ ...event, rateLimitHeaders }] }
}
