import type { ResponseBatch } from '@sluice/contracts'
import type { StreamMessage } from '@sluice/messaging'
import { expect, it } from 'vitest'
import type { LimitReading } from '../domain/limit-reading.ts'
import { type LearnFromResponsesOptions, learnFromResponses } from './learn-from-responses.ts'

it('has a connection erased again that was deleted while it was learnt of', async () => {
  let exists = true
  const forgotten: string[] = []
  const learn = learnFromResponses({
    ...nothing,
    store: {
      ...nothing.store,
      learn: async () => {
        exists = false
        return []
      },
    },
    connections: { exists: async () => exists },
    forget: (connectionId) => void forgotten.push(connectionId),
  })
  await learn([delivered(batch())])
  expect(forgotten).toEqual(['c'])
})

it('sets aside what makes a reader fail, and learns what came with it', async () => {
  const learnt: LimitReading[] = []
  const aside: unknown[] = []
  const learn = learnFromResponses({
    ...nothing,
    store: {
      ...nothing.store,
      learn: async (readings) => {
        learnt.push(...readings)
        return []
      },
    },
    storeDeadLetter: async (subject, streamSequence, reason, data) =>
      void aside.push([subject, streamSequence, reason instanceof TypeError, JSON.parse(Buffer.from(data).toString())]),
  })
  const broken = { ...batch(), events: [null] } as unknown as ResponseBatch
  await learn([{ ...delivered(broken), streamSequence: 7 }, delivered(batch())])
  expect(learnt).toMatchObject([{ connectionId: 'c', limit: 5 }])
  expect(aside).toEqual([['gateway.v1.responses.c', 7, true, broken]])
})

it('tells of what cannot be read once, not at each delivery', async () => {
  const told: unknown[] = []
  const learn = learnFromResponses({
    ...nothing,
    onUnreadable: (provider, reading) => told.push([provider, reading.dimension, reading.unreadable]),
  })
  const illegible = batch('many')
  await learn([delivered(illegible)])
  await learn([{ ...delivered(illegible), redelivered: true }])
  expect(told).toEqual([['openai', 'requests', ['limit']]])
})

const nothing: LearnFromResponsesOptions = {
  store: {
    learn: async () => [],
    limitsOf: async () => new Map(),
    forget: async () => undefined,
    connectionIds: async () => [],
  },
  projection: { refresh: async () => undefined, connectionIds: async () => [] },
  connections: { exists: async () => true },
  storeDeadLetter: async () => undefined,
  forget: () => undefined,
  announce: () => undefined,
  onUnreadable: () => undefined,
  now: () => 10,
}

function delivered(message: ResponseBatch): StreamMessage<ResponseBatch> {
  return { message, streamSequence: 1, redelivered: false }
}

function batch(limit = '5'): ResponseBatch {
  const rateLimitHeaders = { 'x-ratelimit-limit-requests': limit }
  const event = { requestId: 'r', startedAtMs: 1, endedAtMs: 1, apiKeyId: 'k', model: 'm', outcome: 'success' as const }
  return { connectionId: 'c', provider: 'openai', gateway: 'g', batch: 1, events: [{ ...event, rateLimitHeaders }] }
}
