import { redactorOf } from '@sluice/egress'
import { expect, it } from 'vitest'
import type { ResponseSink } from '../upstream/upstream.ts'
import type { PermittedCall } from './call.ts'
import { type CollectDeps, collectResponse } from './collect-response.ts'

const BROKEN = new Error('broken')
const REQUEST = { origin: '', path: '', method: 'GET', headers: [], body: null }
const end: Record<string, (sink: ResponseSink) => void> = {
  'at its end': (sink) => sink.end(),
  'by a fault': (sink) => sink.fault({ reason: 'unreachable', error: BROKEN }),
  'by its length': (sink) => void sink.data(Buffer.alloc(9 * 1024 * 1024)),
  'by its deadline': () => undefined,
}

it.each(Object.keys(end))('a call that cannot be finished rejects, with its permit settled: ended %s', async (how) => {
  const settled: unknown[] = []
  let sink: ResponseSink | undefined
  const plane = {
    clock: { nowMs: () => 1, elapsedMs: () => 1 },
    upstream: {
      send: (_request: unknown, given: ResponseSink) => {
        sink = given
        return { sent: true, resume: () => undefined, abort: () => undefined }
      },
    },
  }
  const adapter = {
    retryAfterMs: () => {
      throw BROKEN
    },
  }
  const call = {
    connection: { settings: {}, adapter },
    inspection: { model: 'm' },
    estimate: { tokens: 5, promptTokens: 5, outputTokens: 0 },
    permit: {
      departByMs: Number.POSITIVE_INFINITY,
      settle: (cost: unknown) => void settled.push(cost),
    },
  }
  const collected = collectResponse(plane as unknown as CollectDeps, call as unknown as PermittedCall, REQUEST, {
    redaction: redactorOf({}),
    deadlineMs: 50,
  })
  sink?.start(429, '', {})
  end[how]?.(sink as unknown as ResponseSink)
  await expect(collected).rejects.toBe(BROKEN)
  expect(settled).toEqual([{ requests: 1, tokens: 5 }])
})
