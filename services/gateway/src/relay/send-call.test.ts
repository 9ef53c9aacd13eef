import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { ResponseEvent } from '@sluice/contracts'
import { providerAdapter } from '@sluice/providers'
import { createLogger } from '@sluice/service-kit'
import { beforeEach, expect, it } from 'vitest'
import type { Wait } from '../permits/permit.ts'
import type { ResponseSink, UpstreamRequest } from '../upstream/upstream.ts'
import type { PreparedCall } from './call.ts'
import { type SendDeps, sendCall } from './send-call.ts'
import { StreamUsageRefusals } from './usage-addition.ts'

const settings = { id: 'c', version: 1, name: 'prod', provider: 'openai', enabled: true, config: {} }
let nowMs: number
/** The wait for each permit. */
let waitsMs: number[]
let offeredMs: number[]
let bodies: string[]
let streamUsage: StreamUsageRefusals
let whileWaiting: () => void
/** Resolves when the credential, or the session of a signing connection, is there; undefined where the provider needs none. */
let credential: Promise<void> | undefined
let signing: 'sigv4' | undefined
let respond: (sink: ResponseSink, body: string) => void
let isKeyKnown: boolean
let isEnabled: boolean
let outcomes: string[]

beforeEach(() => {
  nowMs = 0
  waitsMs = []
  offeredMs = []
  bodies = []
  streamUsage = new StreamUsageRefusals()
  whileWaiting = () => undefined
  credential = undefined
  signing = undefined
  isKeyKnown = true
  isEnabled = true
  outcomes = []
  respond = (sink, body) => {
    sink.departed()
    sink.start(400, '', { 'content-type': 'application/json' })
    sink.data(Buffer.from(JSON.stringify({ detail: body === 'added' ? 'stream_options is not known' : 'no messages' })))
    sink.end()
  }
})

/** Sends a stream with the gateway's addition on a path whose clock moves only while it waits for permits. Resolves when it is over. */
async function send(waitMs: number): Promise<void> {
  const over = Promise.withResolvers<void>()
  const connection = {
    settings,
    adapter: { ...providerAdapter('openai'), authHeaders: () => ({}), ...(signing && { signing }) },
    learned: { learn: () => undefined },
    cachedShares: { learn: () => undefined },
    origin: 'http://x',
    basePath: '',
    ...(credential && { credentialVersions: { oldest: 1, newest: 1 } }),
  }
  const apiKey = { id: 'k', hash: 'h', allows: () => true }
  const permit = { departByMs: Number.POSITIVE_INFINITY, markServed: () => undefined, settle: () => undefined }
  let isThere = false
  void credential?.then(() => {
    isThere = true
  })
  const ready = async () => {
    await credential
    return {}
  }
  const plane = {
    credentials: { get: () => (isThere ? {} : ready()) },
    signer: {
      prepare: ready,
      sign: async (_settings: unknown, request: UpstreamRequest) => ({ request, secrets: {} }),
    },
    streamUsage,
    clock: { nowMs: () => nowMs, elapsedMs: () => nowMs },
    projections: { areCurrent: () => true },
    apiKeys: { byHash: () => (isKeyKnown ? apiKey : undefined) },
    connections: {
      byName: () => (isEnabled ? connection : { ...connection, settings: { ...settings, enabled: false } }),
    },
    permits: {
      countExpired: () => undefined,
      acquire: (_request: unknown, { maxWaitMs }: Wait) => {
        offeredMs.push(maxWaitMs)
        const waited = waitsMs.shift() ?? 0
        nowMs += Math.min(waited, maxWaitMs)
        whileWaiting()
        const denied = { code: 'capacity_exceeded', period: 'minute', metric: 'requests', limit: 1, retryAfterMs: 1 }
        return waited > maxWaitMs
          ? { status: 'denied', denied, windows: [] }
          : { status: 'granted', permit, windows: [] }
      },
    },
    upstream: {
      send: ({ body }: UpstreamRequest, sink: ResponseSink) => {
        bodies.push(String(body))
        queueMicrotask(() => respond(sink, String(body)))
        return { sent: true, resume: () => undefined, abort: () => undefined }
      },
    },
    credentialReports: { accepted: () => undefined, rejected: () => undefined },
    events: {
      record: (_id: string, _provider: string, { outcome }: ResponseEvent) => {
        outcomes.push(outcome)
        over.resolve()
      },
    },
  }
  const call = {
    requestId: 'r',
    startedAtMs: 0,
    method: 'POST',
    query: '',
    headers: {},
    operation: { path: '/v1/chat/completions' },
    connection,
    apiKey,
    pool: '',
    naming: undefined,
    inspection: { model: 'm', addsUsage: true, streamed: true },
    estimate: { tokens: 5, promptTokens: 1, outputTokens: 4 },
  }
  await sendCall(
    plane as unknown as SendDeps,
    call as unknown as PreparedCall,
    { outgoing: () => Buffer.from('added'), plain: () => Buffer.from('plain') },
    new ServerResponse(new IncomingMessage(new Socket())),
    { waitMs, logger: createLogger('gateway', 'silent') },
  )
  await over.promise
}

it('waits no longer for the permit of a retry than its request has left', async () => {
  waitsMs = [60_000, 60_000]
  await send(70_000)
  expect([offeredMs, bodies, nowMs]).toEqual([[70_000, 10_000], ['added'], 70_000])
})

it('waits no longer for its permits together than it may, however often one is too old to be used', async () => {
  waitsMs = [30_000, 30_000, 30_000]
  respond = (sink) => sink.fault({ reason: 'too-late', error: new Error('late') })
  await send(70_000)
  expect([offeredMs, nowMs]).toEqual([[70_000, 40_000, 10_000], 70_000])
})

it('leaves the addition out if its refusal became known while it waited for its permit', async () => {
  whileWaiting = () => {
    for (const request of ['a', 'b']) streamUsage.refused(settings, 'm', request, nowMs)
  }
  await send(0)
  expect(bodies).toEqual(['plain'])
})

it('decides for each departure whether the addition goes with it', async () => {
  for (const request of ['a', 'b']) streamUsage.refused(settings, 'm', request, nowMs)
  const last = respond
  respond = (sink) => {
    // Another stream that had it was accepted meanwhile.
    streamUsage.accepted(settings, 'm')
    respond = last
    sink.fault({ reason: 'too-late', error: new Error('late') })
  }
  await send(0)
  expect(bodies).toEqual(['plain', 'added', 'plain'])
})

it.each([
  ['credential', undefined],
  ['session in the connection’s role', 'sigv4'],
] as const)('acquires no permit before the %s is there', async (_, signs) => {
  const fetched = Promise.withResolvers<void>()
  credential = fetched.promise
  signing = signs
  const sent = send(0)
  await new Promise(setImmediate)
  expect(offeredMs).toEqual([])
  fetched.resolve()
  await sent
  expect(offeredMs.length).toBeGreaterThan(0)
})

it.each<[string, () => void]>([
  ['its key is revoked', () => (isKeyKnown = false)],
  ['its connection is disabled', () => (isEnabled = false)],
])('records a call as client_error if %s after it was admitted', async (_, change) => {
  change()
  await send(0)
  expect([offeredMs, bodies, outcomes]).toEqual([[], [], ['client_error']])
})

it.each<[string, () => void]>([
  ['its key is revoked', () => (isKeyKnown = false)],
  ['its connection is disabled', () => (isEnabled = false)],
])('records a call as client_error if %s while it waits for its permit', async (_, change) => {
  whileWaiting = change
  await send(0)
  expect([bodies, outcomes]).toEqual([[], ['client_error']])
})
