import type { PermitBatchRequest, Settlement } from '@sluice/contracts'
import { eventually } from '@sluice/testkit'
import { beforeEach, expect, it } from 'vitest'
import type { Reservation } from '../src/permits/permit.ts'
import { createPermitSessionClient, type PermitSessionClient } from '../src/permits/permit-session-client.ts'

const CHARGED_AT_MS = 5_000
/** Earlier, as for a gateway that is far. */
const TRIAL_AT_MS = 4_500
const REQUEST = { model: 'm', pool: 'flex', tokens: 70 }
const TRIED = { model: 'm', pool: 'flex', tokens: 70, grantedAtMs: TRIAL_AT_MS }

let batches: PermitBatchRequest[]
let trial: { trialAtMs?: number }
let permits: PermitSessionClient

beforeEach(() => {
  batches = []
  trial = { trialAtMs: TRIAL_AT_MS }
  permits = createPermitSessionClient({
    gateway: 'g',
    send: async (_connectionId, request) => {
      batches.push(request)
      const results = request.acquires.map(() => ({ status: 'granted' as const, chargedAtMs: CHARGED_AT_MS, ...trial }))
      return { status: 'replied', reply: { seq: request.seq, results, windows: [], clockMs: CHARGED_AT_MS } }
    },
    capacityClockMs: () => CHARGED_AT_MS,
    onLatePermits: () => undefined,
    onStaleBatch: () => undefined,
  })
})

async function permitFor(request: Reservation = REQUEST) {
  const outcome = await permits.acquire('c', request)
  return outcome.status === 'granted' ? outcome.permit : expect.fail(outcome.status)
}

const trialsReported = () => settlements().flatMap(({ trial }) => trial ?? [])
const settlements = (): Settlement[] => batches.flatMap((each) => each.settlements)

it('names the pool of an acquire, unless it is the common one', async () => {
  await permitFor()
  await permitFor({ ...REQUEST, pool: '' })
  await permits.probe('c', REQUEST, { requests: 4, tokens: 900 })
  expect(batches.flatMap(({ acquires }) => acquires)).toEqual([
    { model: 'm', pool: 'flex', requests: 1, tokens: 70 },
    { model: 'm', requests: 1, tokens: 70 },
    { model: 'm', pool: 'flex', requests: 4, tokens: 900, ownTokens: 70, probe: true },
  ])
})

it('reports a served trial at once, and only once', async () => {
  const permit = await permitFor()
  permit.markServed()
  await eventually(() => expect(trialsReported()).toEqual([{ ...TRIED, outcome: 'served' }]))
  permit.markServed()
  permit.settle({ requests: 1, tokens: 9 })
  await permits.flush(1_000)
  expect(trialsReported()).toHaveLength(1)
  expect(settlements().at(-1)).toMatchObject({ reserved: { tokens: 70 }, actual: { tokens: 9 } })
})

it('reports a trial that was not sent, but not one that failed', async () => {
  const unsent = await permitFor()
  unsent.settle({ requests: 0, tokens: 0 })
  await permits.flush(1_000)
  expect(trialsReported()).toEqual([{ ...TRIED, outcome: 'unsent' }])
  const failed = await permitFor()
  failed.settle({ requests: 1, tokens: 0 })
  await permits.flush(1_000)
  expect(trialsReported()).toHaveLength(1)
})

it('reports nothing for a permit that is not a trial', async () => {
  trial = {}
  const permit = await permitFor()
  permit.markServed()
  permit.settle({ requests: 0, tokens: 0 })
  await permits.flush(1_000)
  expect(trialsReported()).toEqual([])
})

it('says in a cool-down whether the provider has served its model on the connection', async () => {
  const coolDownOf = async (connectionId: string, model: string) => {
    const outcome = await permits.acquire(connectionId, { ...REQUEST, model })
    if (outcome.status !== 'granted') return expect.fail(outcome.status)
    outcome.permit.settle({ requests: 1, tokens: 0 }, { model, durationMs: 1_000 })
    await permits.flush(1_000)
    return settlements().findLast(({ coolDown }) => coolDown !== undefined)?.coolDown
  }
  const permit = await permitFor({ ...REQUEST, model: 'real' })
  permit.markServed()
  expect(await coolDownOf('c', 'real')).toEqual({ model: 'real', durationMs: 1_000, isServed: true })
  expect(await coolDownOf('c', 'made up')).toEqual({ model: 'made up', durationMs: 1_000 })
  expect(await coolDownOf('other', 'real')).toEqual({ model: 'real', durationMs: 1_000 })
})

it('reserves, renews and settles each part and the provider’s count', async () => {
  trial = {}
  const deps = { tokens: 70, inputTokens: 60, outputTokens: 10 }
  const limited = { requests: 1, tokens: 15, inputTokens: 5, outputTokens: 10 }
  const counted = { requests: 1, tokens: 9, inputTokens: 4, outputTokens: 5 }
  const known = await permitFor({ ...REQUEST, ...deps, limited })
  await known.renew()
  expect(batches.flatMap(({ acquires }) => acquires)).toEqual([
    { model: 'm', pool: 'flex', requests: 1, ...deps, limited },
    { model: 'm', pool: 'flex', requests: 1, ...deps, limited, renews: CHARGED_AT_MS },
  ])
  const settledWith = async (settle: (permit: typeof known) => void) => {
    const permit = await permitFor({ ...REQUEST, ...deps, limited })
    settle(permit)
    await permits.flush(1_000)
    return settlements().at(-1)
  }
  const actual = { requests: 1, tokens: 65, inputTokens: 60, outputTokens: 5 }
  const reserved = { requests: 1, ...deps }
  expect(await settledWith((permit) => permit.settle(actual, undefined, counted))).toEqual({
    chargedAtMs: CHARGED_AT_MS,
    reserved,
    actual,
    limited: { reserved: limited, actual: counted },
  })
  // Nothing is known of what the provider counted: what was held stays, unless nothing was used.
  expect(await settledWith((permit) => permit.settle(actual))).toMatchObject({ limited: { actual: limited } })
  const nothing = { requests: 0, tokens: 0 }
  expect(await settledWith((permit) => permit.settle(nothing))).toMatchObject({ limited: { actual: nothing } })
  expect(await settledWith((permit) => permit.chargeAgain())).toEqual({
    chargedAtMs: 0,
    reserved: nothing,
    actual: reserved,
    limited: { reserved: nothing, actual: limited },
  })
})
