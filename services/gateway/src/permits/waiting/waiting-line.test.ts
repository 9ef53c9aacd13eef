import type { Cost } from '@sluice/contracts'
import { beforeEach, expect, it } from 'vitest'
import type { PermitDenial } from '../denial.ts'
import { createWaitingLine, type WaitingLine, type WaitingRequest } from './waiting-line.ts'

const LIMIT = 3
const PERIOD_MS = 61_000

/** A capacity of three requests in any 61 s, on a clock that advances when everything sleeps. */
let nowMs: number
let chargedAtMs: number[]
let coolsUntilMs: number
let sleepers: { atMs: number; wake: () => void }[]
let line: WaitingLine<{ status: 'granted'; atMs: number } | { status: 'unavailable' }>
let isAway: boolean

beforeEach(() => {
  nowMs = 0
  chargedAtMs = []
  coolsUntilMs = 0
  sleepers = []
  isAway = false
  line = createWaitingLine({
    acquire: async (request) => {
      await Promise.resolve()
      if (isAway) return { status: 'unavailable' }
      const denial = denialOf(request, 1)
      if (denial !== undefined) return denial
      chargedAtMs.push(nowMs)
      return { status: 'granted', atMs: nowMs }
    },
    probe: async (request, cost: Cost) => denialOf(request, cost.requests),
    nowMs: () => nowMs,
    sleep: (durationMs) => new Promise((wake) => sleepers.push({ atMs: nowMs + durationMs, wake })),
    maxWaiting: 20,
  })
})

function denialOf({ model, pool }: Pick<WaitingRequest, 'model' | 'pool'>, requests: number): PermitDenial | undefined {
  const limit = { period: 'minute', metric: 'requests', limit: LIMIT } as const
  if ((model === 'cooling' || pool === 'cooling') && coolsUntilMs > nowMs) {
    return denial({ status: 'denied', code: 'upstream_cool_down', model, retryAfterMs: coolsUntilMs - nowMs })
  }
  if (requests > LIMIT) {
    return denial({ status: 'denied', code: 'request_exceeds_capacity', ...limit, excess: requests - LIMIT })
  }
  const counting = chargedAtMs.filter((atMs) => atMs + PERIOD_MS > nowMs)
  const mustSlide = counting.length + requests - LIMIT
  if (mustSlide <= 0) return undefined
  const retryAfterMs = (counting[mustSlide - 1] ?? 0) + PERIOD_MS - nowMs
  return denial({ status: 'denied', code: 'capacity_exceeded', ...limit, retryAfterMs })
}

const denial = (denied: PermitDenial['denied']): PermitDenial => ({ status: 'denied', denied, windows: [] })

/** Advances the clock until nothing waits, or until `untilMs`. */
async function pass(untilMs = Number.POSITIVE_INFINITY): Promise<void> {
  for (;;) {
    await new Promise((resolve) => setImmediate(resolve))
    sleepers.sort((a, b) => a.atMs - b.atMs)
    const next = sleepers[0]
    if (next === undefined || next.atMs > untilMs) return
    sleepers.shift()
    nowMs = Math.max(nowMs, next.atMs)
    next.wake()
  }
}

function request(more: Partial<WaitingRequest> = {}): WaitingRequest {
  return {
    owner: 'k',
    model: 'm',
    pool: '',
    tokens: 1,
    maxWaitMs: 600_000,
    disconnected: new AbortController().signal,
    ...more,
  }
}

const fill = () => Promise.all(Array.from({ length: LIMIT }, () => line.join(request({ maxWaitMs: 0 }))))

it('serves waiting requests in the order of their arrival as soon as there is capacity', async () => {
  await fill()
  nowMs = 1_000
  const order: number[] = []
  const outcomes = Array.from({ length: 7 }, (_, index) =>
    line.join(request()).then((outcome) => {
      order.push(index)
      return outcome.status === 'granted' ? outcome.atMs : Number.NaN
    }),
  )
  await pass()
  const servedAtMs = await Promise.all(outcomes)
  expect(order).toEqual([0, 1, 2, 3, 4, 5, 6])
  const windows = servedAtMs.map((atMs) => Math.round(atMs / PERIOD_MS))
  expect(windows).toEqual([1, 1, 1, 2, 2, 2, 3])
})

it('denies a request at once if its wait would be too long, and says how long it would be', async () => {
  await fill()
  const tooShort = await line.join(request({ maxWaitMs: 60_999 }))
  expect(tooShort).toMatchObject({ status: 'denied', denied: { retryAfterMs: 61_000 } })
  const waiting = Array.from({ length: 4 }, () => line.join(request()))
  await pass(0)
  expect(await line.join(request({ maxWaitMs: 100_000 }))).toMatchObject({
    status: 'denied',
    denied: { code: 'capacity_exceeded', retryAfterMs: 122_000 },
  })
  await pass()
  for (const outcome of await Promise.all(waiting)) expect(outcome.status).toBe('granted')
})

it('keeps freed capacity for waiting requests: one that does not wait is not served before them', async () => {
  await fill()
  const waiting = line.join(request())
  await pass(0)
  nowMs = PERIOD_MS - 1
  expect(await line.join(request({ maxWaitMs: 0 }))).toMatchObject({ status: 'denied' })
  await pass()
  expect((await waiting).status).toBe('granted')
})

it('gives up the place of a client that disconnects', async () => {
  await fill()
  const disconnected = new AbortController()
  const leaver = line.join(request({ disconnected: disconnected.signal }))
  const next = line.join(request())
  await pass(0)
  disconnected.abort()
  expect(await leaver).toEqual({ status: 'disconnected' })
  await pass()
  expect((await next).status).toBe('granted')
  expect(chargedAtMs).toHaveLength(LIMIT + 1)
})

it('has a bounded length, and gives no owner more places than remain free', async () => {
  await fill()
  const joined: ReturnType<typeof line.join>[] = []
  /** Returns how many of `tried` requests may wait. */
  const mayWait = async (owner: string, tried: number): Promise<number> => {
    let denied = 0
    for (let index = 0; index < tried; index++) {
      const outcome = line.join(request({ owner }))
      joined.push(outcome)
      void outcome.then(({ status }) => {
        if (status === 'denied') denied++
      })
    }
    await pass(0)
    return tried - denied
  }
  expect(await mayWait('greedy', 50)).toBe(10)
  expect(await mayWait('second', 50)).toBe(5)
  expect(await mayWait('late', 1)).toBe(1)
  for (const owner of ['a', 'b', 'c', 'd', 'e', 'f']) await mayWait(owner, 50)
  expect(await mayWait('one too many', 1)).toBe(0)
  await pass()
  expect((await Promise.all(joined)).filter(({ status }) => status === 'granted')).toHaveLength(20)
})

it.each([{ model: 'cooling' }, { pool: 'cooling' }])(
  'lets no request wait for the cool-down of another %j',
  async (other) => {
    coolsUntilMs = 30_000
    const cooling = line.join(request(other))
    await pass(0)
    expect(await line.join(request())).toMatchObject({ status: 'granted', atMs: 0 })
    await pass()
    const outcome = await cooling
    expect(outcome.status === 'granted' && outcome.atMs).toBeGreaterThanOrEqual(30_000)
    expect(outcome.status === 'granted' && outcome.atMs).toBeLessThan(30_200)
  },
)

it('denies requests whose time runs out because others took the capacity', async () => {
  await fill()
  const waiting = [line.join(request({ maxWaitMs: 61_500 })), line.join(request({ maxWaitMs: 61_500 }))]
  await pass(60_000)
  // Another gateway is quicker.
  chargedAtMs.push(60_900, 60_900, 60_900)
  await pass()
  for (const outcome of await Promise.all(waiting)) {
    expect(outcome).toMatchObject({ status: 'denied', denied: { code: 'capacity_exceeded' } })
  }
  expect(nowMs).toBeLessThan(62_000)
})

it('ends all waits when capacity becomes unavailable', async () => {
  await fill()
  const waiting = line.join(request())
  await pass(0)
  isAway = true
  await pass()
  expect(await waiting).toEqual({ status: 'unavailable' })
})
