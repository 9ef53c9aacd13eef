import type { Cost } from '@sluice/contracts'
import { describe, expect, it } from 'vitest'
import type { PermitDenial } from '../denial.ts'
import { createWaitingLine, type WaitingLine } from './waiting-line.ts'

const SLOT_MS = 1_000
const SLOTS_COUNTING = 61

type Grant =
  | { readonly status: 'granted'; readonly refund: (tokens: number) => void }
  | { readonly status: 'unavailable' }

interface World {
  readonly line: WaitingLine<Grant>
  readonly served: Map<string, number>
  nowMs(): number
  sleep(durationMs: number): Promise<void>
  /** Advances the clock to `untilMs`. */
  run(untilMs: number): Promise<void>
  /** Permits granted after the first two minutes, as a share of what the request limit allows. */
  utilization(): number
}

/** A per-minute capacity in slots of a second, like the real one, on a clock that advances when everything sleeps. */
function createWorld(limits: Partial<Cost>, maxWaiting = 2_000): World {
  let nowMs = 0
  const charged = new Map<number, { requests: number; tokens: number }>()
  const served = new Map<string, number>()
  const sleepers: { atMs: number; wake: () => void }[] = []
  let countedRequests = 0
  // As after a while of demand, when usage leaves the window bit by bit.
  for (let granted = 0; granted < (limits.requests ?? 0); granted++) {
    const index = Math.floor((granted * SLOTS_COUNTING) / (limits.requests ?? 0)) - SLOTS_COUNTING
    const slot = charged.get(index) ?? { requests: 0, tokens: 0 }
    slot.requests++
    charged.set(index, slot)
  }

  // Both sums are kept beside the slots: adding all slots up for each of a million questions takes most of the test's time.
  const used = { requests: limits.requests ?? 0, tokens: 0 }

  const denial = (cost: Cost): PermitDenial | undefined => {
    const slot = Math.floor(nowMs / SLOT_MS)
    // Slots are added in the order of time.
    for (const [index, slotted] of charged) {
      if (index + SLOTS_COUNTING > slot) break
      charged.delete(index)
      used.requests -= slotted.requests
      used.tokens -= slotted.tokens
    }
    let denied: PermitDenial['denied'] | undefined
    for (const metric of ['requests', 'tokens'] as const) {
      const limit = limits[metric]
      if (limit === undefined) continue
      const details = { status: 'denied', period: 'minute', metric, limit } as const
      if (cost[metric] > limit) {
        return {
          status: 'denied',
          denied: { ...details, code: 'request_exceeds_capacity', excess: cost[metric] - limit },
          windows: [],
        }
      }
      let excess = used[metric] + cost[metric] - limit
      let retryAfterMs = 0
      for (const [index, slotted] of charged) {
        if (excess <= 0) break
        excess -= slotted[metric]
        retryAfterMs = (index + SLOTS_COUNTING) * SLOT_MS - nowMs
      }
      if (retryAfterMs > (denied?.code === 'capacity_exceeded' ? denied.retryAfterMs : 0)) {
        denied = { ...details, code: 'capacity_exceeded', retryAfterMs }
      }
    }
    return denied && { status: 'denied', denied, windows: [] }
  }

  const charge = (tokens: number): ((unused: number) => void) => {
    const index = Math.floor(nowMs / SLOT_MS)
    const slot = charged.get(index) ?? { requests: 0, tokens: 0 }
    charged.set(index, slot)
    slot.requests++
    slot.tokens += tokens
    used.requests++
    used.tokens += tokens
    return (unused) => {
      slot.tokens -= unused
      if (charged.get(index) === slot) used.tokens -= unused
    }
  }

  const sleep = (durationMs: number): Promise<void> =>
    new Promise((wake) => {
      const atMs = nowMs + durationMs
      let position = 0
      for (let end = sleepers.length; position < end; ) {
        const middle = (position + end) >>> 1
        if ((sleepers[middle]?.atMs ?? 0) <= atMs) position = middle + 1
        else end = middle
      }
      sleepers.splice(position, 0, { atMs, wake })
    })

  return {
    line: createWaitingLine<Grant>({
      acquire: async ({ tokens }) => {
        await sleep(1)
        const denied = denial({ requests: 1, tokens })
        if (denied !== undefined) return denied
        if (nowMs >= WARM_UP_MS) countedRequests++
        return { status: 'granted', refund: charge(tokens) }
      },
      probe: async (_request, cost) => {
        await sleep(1)
        return denial(cost)
      },
      nowMs: () => nowMs,
      sleep,
      maxWaiting,
    }),
    served,
    nowMs: () => nowMs,
    sleep,
    run: async (untilMs) => {
      for (;;) {
        // After all that promises have started: no turn of the event loop is needed, as nothing here waits for one.
        await new Promise((resolve) => process.nextTick(resolve))
        const next = sleepers[0]
        if (next === undefined || next.atMs > untilMs) return
        nowMs = Math.max(nowMs, next.atMs)
        while ((sleepers[0]?.atMs ?? Number.POSITIVE_INFINITY) <= nowMs) sleepers.shift()?.wake()
      }
    },
    utilization: () => countedRequests / (((nowMs - WARM_UP_MS) / (SLOTS_COUNTING * SLOT_MS)) * (limits.requests ?? 0)),
  }
}

const WARM_UP_MS = 122_000

interface Caller {
  readonly owner: string
  /** How many callers there are, each with one request at a time. */
  readonly callers?: number
  readonly tokens?: number
  readonly maxWaitMs?: number
  /** When a denied caller retries: after a fixed time, or after the given Retry-After. */
  readonly again?: number | 'after Retry-After' | 'after Retry-After in whole seconds'
  /** How long the served request takes. */
  readonly tookMs?: number
  /** The part of the reservation that is refunded when the request ends. */
  readonly refund?: number
}

function call(world: World, options: Caller): void {
  const { owner, callers = 1, tokens = 1, maxWaitMs = 0, again = 'after Retry-After', tookMs = 0, refund = 0 } = options
  const one = async (): Promise<never> => {
    for (;;) {
      const outcome = await world.line.join({ owner, model: 'm', pool: '', tokens, maxWaitMs, disconnected: staying() })
      if (outcome.status === 'granted') {
        if (world.nowMs() >= WARM_UP_MS) world.served.set(owner, (world.served.get(owner) ?? 0) + 1)
        await world.sleep(tookMs)
        outcome.refund(refund)
      } else if (outcome.status === 'denied' && outcome.denied.code === 'capacity_exceeded') {
        const { retryAfterMs } = outcome.denied
        // A Retry-After is in the future.
        if (!(retryAfterMs > 0)) throw new Error(`Retry-After is ${retryAfterMs} ms`)
        const afterMs = again === 'after Retry-After' ? retryAfterMs : Math.ceil(retryAfterMs / 1_000) * 1_000
        await world.sleep(typeof again === 'number' ? again : afterMs)
      } else {
        throw new Error(`unexpected: ${JSON.stringify(outcome)}`)
      }
    }
  }
  for (let index = 0; index < callers; index++) {
    void world.sleep(index % 97).then(one)
  }
}

/** The signal of an application that stays. Each request has its own: one that all share collects the listeners of them all. */
const staying = () => new AbortController().signal
const PATIENT = { maxWaitMs: 600_000, callers: 100 }

/** Returns the owner's share of all permits. */
function share({ served }: World, owner: string): number {
  const all = [...served.values()].reduce((sum, count) => sum + count, 0)
  return (served.get(owner) ?? 0) / all
}

/**
 * Two keys are due a half each. A key that retries exactly after Retry-After may come a moment before its turn, and then gets another
 * Retry-After: a third is the least that it gets.
 */
describe.each([
  { requests: 1, minutes: 20 },
  { requests: 60, minutes: 4 },
  { requests: 600, minutes: 1 },
])('of $requests requests a minute', ({ requests, minutes }) => {
  const untilMs = WARM_UP_MS + minutes * 61_000

  it.each<[string, Omit<Caller, 'owner'>]>([
    ['polls four times a second', { again: 250 }],
    ['retries after Retry-After, with 20 callers', { callers: 20 }],
    [
      'retries after Retry-After in whole seconds, with 20 callers',
      { callers: 20, again: 'after Retry-After in whole seconds' },
    ],
    ['floods, with 10 callers', { callers: 10, again: 100 }],
  ])('a key that does not wait and %s gets its share beside a greedy key that waits', async (_, passing) => {
    const world = createWorld({ requests })
    call(world, { owner: 'waits', ...PATIENT })
    call(world, { owner: 'passes', ...passing })
    await world.run(untilMs)
    expect(share(world, 'passes')).toBeGreaterThan(0.3)
    expect(share(world, 'waits')).toBeGreaterThan(0.45)
    expect(world.utilization()).toBeGreaterThanOrEqual(0.98)
  })

  it('a key with a single caller that waits leaves a half, or what it cannot use, to a key that does not wait', async () => {
    const world = createWorld({ requests })
    const tookMs = 5_000
    call(world, { owner: 'waits', maxWaitMs: 600_000, tookMs })
    call(world, { owner: 'passes', callers: 5, again: 250 })
    await world.run(untilMs)
    expect(share(world, 'passes')).toBeGreaterThan(0.45)
    const due = Math.min(0.5 * requests * minutes, (minutes * 61_000) / (tookMs + 2_000))
    expect(world.served.get('waits')).toBeGreaterThan(0.9 * due)
    expect(world.utilization()).toBeGreaterThanOrEqual(0.98)
  })

  it('two waiting keys get equal shares although one has five hundred times the requests', async () => {
    const world = createWorld({ requests }, 4_000)
    call(world, { owner: 'thousand', maxWaitMs: 600_000, callers: 1_000 })
    call(world, { owner: 'two', maxWaitMs: 600_000, callers: 2 })
    await world.run(untilMs)
    expect(share(world, 'two')).toBeGreaterThan(0.45)
    expect(share(world, 'two')).toBeLessThan(0.55)
    expect(world.utilization()).toBeGreaterThanOrEqual(0.98)
  })

  it('four keys get equal shares although two do not wait and one floods', async () => {
    const world = createWorld({ requests })
    call(world, { owner: 'waits', ...PATIENT })
    call(world, { owner: 'waits too', ...PATIENT, callers: 20 })
    call(world, { owner: 'passes', callers: 10, again: 300 })
    call(world, { owner: 'floods', callers: 10, again: 100 })
    await world.run(untilMs)
    for (const owner of ['waits', 'waits too', 'passes', 'floods']) {
      expect(share(world, owner), owner).toBeGreaterThanOrEqual(0.2)
    }
    expect(world.utilization()).toBeGreaterThanOrEqual(0.98)
  })
})

it('a key that retries after Retry-After is served although refunds free capacity for a waiting key much earlier', async () => {
  const world = createWorld({ tokens: 1_500 })
  call(world, { owner: 'waits', ...PATIENT, tokens: 900, tookMs: 400, refund: 890 })
  call(world, { owner: 'passes', tokens: 900, tookMs: 400, refund: 890 })
  await world.run(WARM_UP_MS + 20 * 61_000)
  expect(world.served.get('passes')).toBeGreaterThan(10)
})

it('keeps capacity only briefly for a key that does not retry', async () => {
  const world = createWorld({ requests: 60 })
  call(world, { owner: 'waits', ...PATIENT })
  for (let atMs = 0; atMs < WARM_UP_MS + 600_000; atMs += 20_000) {
    void world.sleep(atMs).then(() =>
      world.line.join({
        owner: `once at ${atMs}`,
        model: 'm',
        pool: '',
        tokens: 1,
        maxWaitMs: 0,
        disconnected: staying(),
      }),
    )
  }
  await world.run(WARM_UP_MS + 600_000)
  expect(world.utilization()).toBeGreaterThanOrEqual(0.98)
})

it('denies a request whose time is up with a Retry-After until its turn', async () => {
  const world = createWorld({ requests: 4 })
  call(world, { owner: 'waits', callers: 8, maxWaitMs: 600_000 })
  await world.run(1_000)
  const outcome = world.line.join({
    owner: 'waits',
    model: 'm',
    pool: '',
    tokens: 1,
    maxWaitMs: 140_000,
    disconnected: staying(),
  })
  await world.run(2_000)
  for (const owner of ['a', 'b', 'c']) call(world, { owner, callers: 20, maxWaitMs: 600_000 })
  await world.run(142_000)
  expect(await outcome).toMatchObject({ status: 'denied', denied: { code: 'capacity_exceeded' } })
  const { denied } = (await outcome) as PermitDenial
  expect(denied).toHaveProperty(
    'retryAfterMs',
    expect.toSatisfy((ms: number) => ms > 61_000 && ms < 600_000),
  )
})
