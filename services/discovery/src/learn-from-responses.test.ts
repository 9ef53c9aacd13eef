import type { ResponseBatch } from '@sluice/contracts'
import { type StreamMessage, UnprocessableMessageError } from '@sluice/messaging'
import { expect, it } from 'vitest'
import type { LimitReading } from './learn/limit-reading.ts'
import { type LearnFromResponsesOptions, learnFromResponses } from './learn-from-responses.ts'

it('has a connection erased again that was deleted while its limits were learned', async () => {
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

it('rejects a batch with a message that makes a reader fail as unprocessable, and learns nothing of it', async () => {
  const learned: LimitReading[] = []
  const learn = learnFromResponses({
    ...nothing,
    store: {
      ...nothing.store,
      learn: async (readings) => {
        learned.push(...readings)
        return []
      },
    },
  })
  const broken = { ...batch(), events: [null] } as unknown as ResponseBatch
  const rejection = learn([{ ...delivered(broken), streamSequence: 7 }, delivered(batch())])
  await expect(rejection).rejects.toBeInstanceOf(UnprocessableMessageError)
  await expect(rejection).rejects.toMatchObject({ cause: expect.any(TypeError) })
  expect(learned).toEqual([])
  await learn([delivered(batch())])
  expect(learned).toMatchObject([{ connectionId: 'c', limit: 5 }])
})

it('reports an unreadable limit once, not at each delivery', async () => {
  const reported: unknown[] = []
  const learn = learnFromResponses({
    ...nothing,
    onUnreadable: (provider, reading) => reported.push([provider, reading.dimension, reading.unreadable]),
  })
  const illegible = batch('many')
  await learn([delivered(illegible)])
  await learn([{ ...delivered(illegible), redelivered: true }])
  expect(reported).toEqual([['openai', 'requests', ['limit']]])
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
