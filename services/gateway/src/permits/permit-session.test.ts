import {
  MAX_ACQUIRES_PER_BATCH,
  PERMIT_MAX_AGE_MS,
  type PermitBatchReply,
  type PermitBatchRequest,
  WAY_TO_PROVIDER_MS,
} from '@sluice/contracts'
import { beforeEach, expect, it } from 'vitest'
import {
  ACQUIRE_TIMEOUT_MS,
  type Attempt,
  createPermitSession,
  type PermitSession,
  REFUND_LINGER_MS,
} from './permit-session.ts'

const acquire = { model: 'm', requests: 1, tokens: 10 }
const nothing = { requests: 0, tokens: 0 }
const TRIAL = { model: 'm', tokens: 9, grantedAtMs: 1, outcome: 'served' } as const
const CLOCK_MS = 1_700_000_000_000
/** A lost reply: it is unknown whether the batch was applied. */
const LOST: Attempt = { status: 'failed', mayBeApplied: true }

/** Capacity, driven by the test: every batch that is sent waits here until the test ends its attempt. */
let sent: { request: PermitBatchRequest; timeoutMs: number; end: (attempt: Attempt) => void }[]
let sleeps: { durationMs: number; wake: () => void }[]
let nowMs: number
let tooOld: number
let stale: number
let session: PermitSession

beforeEach(() => {
  sent = []
  sleeps = []
  nowMs = 1_000
  tooOld = 0
  stale = 0
  let lives = 0
  session = createPermitSession({
    newIdentity: () => `g.${++lives}`,
    send: (request, timeoutMs) => new Promise((end) => sent.push({ request, timeoutMs, end })),
    capacityClockMs: () => CLOCK_MS,
    onLatePermits: (permits) => {
      tooOld += permits
    },
    onStaleBatch: () => {
      stale++
    },
    nowMs: () => nowMs,
    sleep: (durationMs) => new Promise((wake) => sleeps.push({ durationMs, wake })),
  })
})

const turn = () => new Promise((resolve) => setImmediate(resolve))

async function next() {
  await turn()
  const batch = sent.shift()
  if (batch === undefined) throw new Error('nothing was sent')
  return batch
}

async function wakeNext(): Promise<number> {
  await turn()
  const sleep = sleeps.shift()
  if (sleep === undefined) throw new Error('nothing sleeps')
  nowMs += sleep.durationMs
  sleep.wake()
  return sleep.durationMs
}

function grantAll(request: PermitBatchRequest): Attempt {
  const results: PermitBatchReply['results'] = request.acquires.map(() => ({ status: 'granted', chargedAtMs: 5_000 }))
  return {
    status: 'replied',
    reply: { seq: request.seq, results, windows: [], clockMs: CLOCK_MS, storedAtMs: CLOCK_MS },
  }
}

it('has one batch in flight, and sends what arrives meanwhile in the next', async () => {
  const outcomes = [session.acquire(acquire), session.acquire(acquire)]
  const first = await next()
  expect(first.request).toMatchObject({ gateway: 'g.1', seq: 1, acquires: [acquire, acquire], settlements: [] })
  outcomes.push(...Array.from({ length: 300 }, () => session.acquire(acquire)))
  await turn()
  expect(sent).toHaveLength(0)
  first.end(grantAll(first.request))
  const second = await next()
  expect(second.request.seq).toBe(2)
  expect(second.request.acquires).toHaveLength(300)
  second.end(grantAll(second.request))
  for (const outcome of await Promise.all(outcomes)) expect(outcome).toMatchObject({ status: 'decided' })
})

it('puts no more into one batch than the contract allows', async () => {
  for (let i = 0; i < MAX_ACQUIRES_PER_BATCH + 5; i++) void session.acquire(acquire)
  const first = await next()
  expect(first.request.acquires).toHaveLength(MAX_ACQUIRES_PER_BATCH)
  first.end(grantAll(first.request))
  expect((await next()).request.acquires).toHaveLength(5)
})

it('repeats a batch whose reply was lost, unchanged, with its sequence number', async () => {
  const outcome = session.acquire(acquire)
  const first = await next()
  void session.acquire(acquire)
  first.end(LOST)
  await wakeNext()
  const again = await next()
  expect(again.request).toEqual({ ...first.request, repeat: true })
  again.end(grantAll(again.request))
  expect(await outcome).toMatchObject({ status: 'decided', result: { status: 'granted' } })
  expect((await next()).request).toMatchObject({ seq: 2 })
})

it('times out an acquire, and refunds a permit that arrives later', async () => {
  const outcome = session.acquire(acquire)
  let batch = await next()
  while (nowMs < 1_000 + ACQUIRE_TIMEOUT_MS) {
    batch.end(LOST)
    await wakeNext()
    batch = await next()
  }
  batch.end(LOST)
  expect(await outcome).toEqual({ status: 'unavailable' })
  nowMs += 1
  expect(await session.acquire(acquire)).toEqual({ status: 'unavailable' })
  await wakeNext()
  batch = await next()
  batch.end(grantAll(batch.request))
  expect((await next()).request).toMatchObject({
    seq: 2,
    acquires: [],
    settlements: [{ chargedAtMs: 5_000, reserved: { requests: 1, tokens: 10 }, actual: nothing }],
  })
})

it('grants permits again as soon as capacity is back', async () => {
  void session.acquire(acquire)
  const first = await next()
  first.end(LOST)
  nowMs += ACQUIRE_TIMEOUT_MS + 1
  await wakeNext()
  const again = await next()
  again.end(grantAll(again.request))
  await turn()
  const outcome = session.acquire(acquire)
  let batch = await next()
  if (batch.request.acquires.length === 0) {
    batch.end(grantAll(batch.request))
    batch = await next()
  }
  batch.end(grantAll(batch.request))
  expect(await outcome).toMatchObject({ status: 'decided' })
})

it('refunds a permit that is too late to be used, and acquires again', async () => {
  const outcome = session.acquire(acquire)
  const first = await next()
  nowMs += PERMIT_MAX_AGE_MS + 1
  first.end(grantAll(first.request))
  const second = await next()
  expect(second.request).toMatchObject({
    seq: 2,
    acquires: [acquire],
    settlements: [{ chargedAtMs: 5_000, reserved: { requests: 1, tokens: 10 }, actual: nothing }],
  })
  second.end(grantAll(second.request))
  expect(await outcome).toMatchObject({ status: 'decided', result: { status: 'granted' } })
})

it('starts over under a new identity when its connection no longer exists', async () => {
  const outcome = session.acquire(acquire)
  ;(await next()).end({ status: 'refused' })
  expect(await outcome).toEqual({ status: 'unavailable' })
  void session.acquire(acquire)
  expect((await next()).request).toMatchObject({ gateway: 'g.2', seq: 1 })
})

const refund = { chargedAtMs: 1, reserved: { requests: 1, tokens: 9 }, actual: { requests: 1, tokens: 5 } }
const extra = { chargedAtMs: 1, reserved: { requests: 1, tokens: 9 }, actual: { requests: 1, tokens: 19 } }

it('sends everything again in a new session if a batch was too late to be applied', async () => {
  const outcome = session.acquire(acquire)
  session.settle(refund)
  session.settle(extra)
  ;(await next()).end({ status: 'stale' })
  await wakeNext()
  const again = await next()
  expect(again.request).toMatchObject({ gateway: 'g.2', seq: 1, acquires: [acquire], settlements: [extra, refund] })
  expect(stale).toBe(1)
  again.end(grantAll(again.request))
  expect(await outcome).toMatchObject({ status: 'decided' })
})

it('sends only charges and cool-downs again if a late batch may have been applied before', async () => {
  const coolDown = { model: 'm', durationMs: 7 }
  void session.acquire(acquire)
  session.settle(refund)
  session.settle(extra)
  session.settle({ ...refund, coolDown })
  ;(await next()).end(LOST)
  await wakeNext()
  ;(await next()).end({ status: 'stale' })
  await wakeNext()
  const { settlements } = (await next()).request
  expect(settlements).toEqual([
    { chargedAtMs: 0, reserved: nothing, actual: nothing, coolDown },
    { chargedAtMs: 0, reserved: nothing, actual: { requests: 0, tokens: 10 } },
  ])
})

it('repeats a batch for as long as capacity is unavailable, without losing any of its contents', async () => {
  const settlement = { chargedAtMs: 0, reserved: nothing, actual: { requests: 1, tokens: 1 } }
  session.settle(settlement)
  const startMs = nowMs
  while (nowMs - startMs <= 300_000) {
    ;(await next()).end(LOST)
    await wakeNext()
  }
  const last = await next()
  expect(last.request).toMatchObject({ seq: 1, settlements: [settlement], repeat: true })
})

it('sums charges without a reservation while capacity is unavailable', async () => {
  session.settle({ chargedAtMs: 0, reserved: nothing, actual: { requests: 1, tokens: 1 } })
  const first = await next()
  for (let i = 0; i < 5_000; i++)
    session.settle({ chargedAtMs: 0, reserved: nothing, actual: { requests: 1, tokens: 3 } })
  first.end(grantAll(first.request))
  expect((await next()).request.settlements).toEqual([
    { chargedAtMs: 0, reserved: nothing, actual: { requests: 5_000, tokens: 15_000 } },
  ])
})

it('passes on why capacity cannot decide', async () => {
  const outcome = session.acquire(acquire)
  const first = await next()
  nowMs += ACQUIRE_TIMEOUT_MS
  first.end({ status: 'failed', mayBeApplied: true, reason: 'no room left' })
  expect(await outcome).toEqual({ status: 'unavailable', reason: 'no room left' })
  nowMs += 1
  expect(await session.acquire(acquire)).toEqual({ status: 'unavailable', reason: 'no room left' })
})

it('sends with each batch the time of capacity’s clock and the last batch known to be stored', async () => {
  void session.acquire(acquire)
  const first = await next()
  expect(first.request).toMatchObject({ asOfMs: CLOCK_MS })
  expect(first.request.stored).toBeUndefined()
  first.end({ status: 'replied', reply: { seq: 1, results: [GRANTED], windows: [], clockMs: 5, storedAtMs: 7 } })
  void session.acquire(acquire)
  const second = await next()
  expect(second.request.stored).toEqual({ seq: 1, atMs: 7 })
  // A denial is not written.
  second.end({ status: 'replied', reply: { seq: 2, results: [GRANTED], windows: [], clockMs: 9 } })
  void session.acquire(acquire)
  expect((await next()).request.stored).toEqual({ seq: 1, atMs: 7 })
})

it('requests more delivery slack the longer the round trip to capacity is', async () => {
  const roundTripMs = 400
  const outcome = session.acquire(acquire)
  const first = await next()
  expect(first.request.slackMs).toBeUndefined()
  nowMs += roundTripMs
  first.end(grantAll(first.request))
  const second = await next()
  expect(tooOld).toBe(1)
  // 1.5 round trips, 100 ms to depart, and the way to the provider.
  expect(second.request.slackMs).toBe(950)
  nowMs += roundTripMs
  second.end(grantAll(second.request))
  expect(await outcome).toMatchObject({ status: 'decided', departByMs: nowMs - roundTripMs + 950 - WAY_TO_PROVIDER_MS })
})

it('accepts a renewal however late it is, since no request departs under it', async () => {
  const outcome = session.acquire({ ...acquire, renews: 1_234 })
  const first = await next()
  nowMs += PERMIT_MAX_AGE_MS + 1
  first.end(grantAll(first.request))
  expect(await outcome).toMatchObject({ status: 'decided', result: { chargedAtMs: 5_000 } })
  await turn()
  expect(sent).toHaveLength(0)
})

it('gives an attempt no more time than its acquires can still wait', async () => {
  const first = session.acquire(acquire)
  let attempt = await next()
  expect(attempt.timeoutMs).toBe(500)
  const second = { outcome: session.acquire(acquire), atMs: nowMs }
  while (nowMs < 1_000 + ACQUIRE_TIMEOUT_MS) {
    nowMs += attempt.timeoutMs
    attempt.end(LOST)
    await wakeNext()
    attempt = await next()
  }
  expect(await first).toEqual({ status: 'unavailable' })
  expect(await second.outcome).toEqual({ status: 'unavailable' })
  expect(nowMs - second.atMs).toBeLessThan(ACQUIRE_TIMEOUT_MS + 700)
})

it('holds a refund for an acquire to travel with, but not forever', async () => {
  session.settle(refund)
  await turn()
  expect(sent).toHaveLength(0)
  void session.acquire(acquire)
  const first = await next()
  expect(first.request).toMatchObject({ acquires: [acquire], settlements: [refund] })
  first.end(grantAll(first.request))
  await turn()
  expect(await wakeNext()).toBe(REFUND_LINGER_MS)
  await turn()
  expect(sent).toHaveLength(0)
  session.settle(refund)
  await wakeNext()
  expect((await next()).request).toMatchObject({ acquires: [], settlements: [refund] })
})

it.each([
  ['usage beyond the reservation', { actual: { requests: 1, tokens: 90 } }],
  ['a cool-down', { actual: { requests: 1, tokens: 9 }, coolDown: { model: 'm', durationMs: 5 } }],
  ['what became of a trial', { actual: { requests: 1, tokens: 9 }, trial: TRIAL }],
])('sends %s at once', async (_, more) => {
  session.settle({ chargedAtMs: 1, reserved: { requests: 1, tokens: 9 }, ...more })
  const { settlements } = (await next()).request
  const { actual, ...alone } = more
  const isAlone = Object.keys(alone).length > 0
  expect(settlements).toContainEqual(expect.objectContaining(isAlone ? alone : { actual }))
})

it('frees a trial that came too late, so that another request becomes the trial', async () => {
  const outcome = session.acquire({ ...acquire, pool: 'flex' })
  const late = await next()
  nowMs += PERMIT_MAX_AGE_MS + 1
  const trial = { status: 'granted', chargedAtMs: 5_000, trialAtMs: 4_600 } as const
  late.end({ status: 'replied', reply: { seq: 1, results: [trial], windows: [], clockMs: CLOCK_MS } })
  const again = await next()
  expect(again.request.settlements).toMatchObject([
    { trial: { model: 'm', pool: 'flex', tokens: 10, grantedAtMs: 4_600, outcome: 'unsent' } },
    { reserved: { requests: 1 }, actual: nothing },
  ])
  again.end({ status: 'replied', reply: { seq: 2, results: [trial], windows: [], clockMs: CLOCK_MS } })
  expect(await outcome).toMatchObject({ result: trial })
})

it('sends an acquire that arrives in the turn in which a batch ends', async () => {
  for (let round = 0; round < 50; round++) {
    const outcome = session.acquire(acquire)
    const batch = await next()
    batch.end(grantAll(batch.request))
    await outcome
  }
})

it('reports whether permits are counted by model, and names the model in its own refunds', async () => {
  const outcomes = [session.acquire(acquire), session.acquire(acquire)]
  const late = await next()
  nowMs += PERMIT_MAX_AGE_MS + 1
  const reply = { seq: 1, results: [GRANTED, GRANTED], windows: [], byModel: true, clockMs: CLOCK_MS }
  late.end({ status: 'replied', reply })
  const again = await next()
  expect(again.request.settlements).toMatchObject([{ model: 'm', reserved: { requests: 2 }, actual: nothing }])
  again.end({ status: 'replied', reply: { ...reply, seq: 2 } })
  expect(await Promise.all(outcomes)).toMatchObject([{ byModel: true }, { byModel: true }])
})

it('refunds all that a permit reserved, including its parts and the provider’s count', async () => {
  const limited = { requests: 1, tokens: 3, inputTokens: 2, outputTokens: 1 }
  const outcome = { ...acquire, inputTokens: 7, outputTokens: 3, limited }
  void session.acquire(outcome)
  const late = await next()
  nowMs += PERMIT_MAX_AGE_MS + 1
  late.end({ status: 'replied', reply: { seq: 1, results: [GRANTED], windows: [], byModel: true, clockMs: CLOCK_MS } })
  const again = await next()
  expect(again.request.acquires).toEqual([outcome])
  expect(again.request.settlements).toEqual([
    {
      chargedAtMs: 5_000,
      reserved: { requests: 1, tokens: 10, inputTokens: 7, outputTokens: 3 },
      actual: nothing,
      limited: { reserved: limited, actual: nothing },
      model: 'm',
    },
  ])
})

const GRANTED: PermitBatchReply['results'][number] = { status: 'granted', chargedAtMs: 5_000 }
