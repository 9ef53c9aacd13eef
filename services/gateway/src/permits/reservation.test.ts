import { CONNECTION_DEFAULTS, type Denied } from '@sluice/contracts'
import { providerAdapter } from '@sluice/providers'
import { expect, it } from 'vitest'
import { limitedCost, settledCost } from '../accounting/settlement.ts'
import { prepareConnection, type UsableConnection } from '../admission/connection.ts'
import { LearnedModels } from '../estimate/learned-models.ts'
import { type CountedCost, countedCost, differenceOfCounted, partOfCounted, sumOfCounted } from './counted-cost.ts'
import type { PermitDenial } from './denial.ts'
import { reservedTokens, reservedWithin } from './reservation.ts'
import { turnAfter } from './waiting/waiting-line.ts'

const MODEL = 'claude-sonnet-4-6'
const ESTIMATE = { tokens: 49_000, promptTokens: 45_000, outputTokens: 4_000 }
const INSPECTION = { model: MODEL, outputs: 1 }

function connection(settings: Partial<UsableConnection['settings']> = {}): UsableConnection {
  const prepared = prepareConnection(
    {
      id: 'c',
      name: 'c',
      provider: 'anthropic',
      config: {},
      ...CONNECTION_DEFAULTS,
      version: 1,
      ...settings,
    },
    { allowInsecureLoopback: false },
    new LearnedModels(),
  )
  return 'fault' in prepared ? expect.fail(prepared.fault.message) : prepared
}

const MINUTE = { period: 'minute' as const, inputTokens: 50_000, outputTokens: 8_000 }
const PARTS = { capacity: [MINUTE] }

it('splits input and output if the connection limits one of them, and adds the provider’s count if discovered limits are enforced', () => {
  const reservedOn = (settings: Partial<UsableConnection['settings']>) =>
    reservedTokens({ connection: connection(settings), inspection: INSPECTION, estimate: ESTIMATE })
  const deps = { inputTokens: 45_000, outputTokens: 4_000 }
  const limited = { requests: 1, tokens: 46_024, inputTokens: 45_000, outputTokens: 1_024 }
  expect(reservedOn({ capacity: [{ period: 'minute', tokens: 9 }] })).toEqual({ tokens: 49_000 })
  expect(reservedOn({ capacity: [{ ...MINUTE, enabled: false }] })).toEqual({ tokens: 49_000 })
  expect(reservedOn(PARTS)).toEqual({ tokens: 49_000, ...deps })
  expect(reservedOn({ enforceDiscovered: true })).toEqual({ tokens: 49_000, limited })
  expect(reservedOn({ ...PARTS, enforceDiscovered: true })).toEqual({ tokens: 49_000, ...deps, limited })
})

it('reserves the stated maximum against the limits of a provider that counts it, however little is reserved otherwise', () => {
  const { limited } = reservedTokens({
    connection: connection({ provider: 'openai', enforceDiscovered: true }),
    inspection: { ...INSPECTION, maxOutputTokens: 64_000 },
    estimate: ESTIMATE,
  })
  expect(limited).toEqual({ requests: 1, tokens: 109_000, inputTokens: 45_000, outputTokens: 64_000 })
})

it('expects as much cached input as in earlier prompts, for discovered limits only', () => {
  const known = connection({ ...PARTS, enforceDiscovered: true })
  known.cachedShares.learn(MODEL, {
    inputTokens: 45_000,
    cachedInputTokens: 45_000,
    outputTokens: 1,
    reasoningTokens: 0,
  })
  const reserved = reservedTokens({ connection: known, inspection: INSPECTION, estimate: ESTIMATE })
  expect(reserved.inputTokens).toBe(45_000)
  expect(reserved.limited?.inputTokens).toBeLessThan(300)
})

it('settles both counts by reported usage, else by relayed output, else by the reservation or nothing', () => {
  const call = {
    connection: connection({ ...PARTS, enforceDiscovered: true }),
    inspection: INSPECTION,
    estimate: ESTIMATE,
  }
  const usage = { inputTokens: 45_000, cachedInputTokens: 44_600, outputTokens: 50, reasoningTokens: 0 }
  const end = { sent: true, status: 200, outputTokensSeen: 0 }
  const ends = [
    { ...end, usage },
    { ...end, outputTokensSeen: 7 },
    end,
    { ...end, status: 429 },
    { ...end, sent: false },
  ]
  expect(ends.map((each) => [settledCost(each, call), limitedCost(each, call)])).toEqual([
    [
      { requests: 1, tokens: 45_050, inputTokens: 45_000, outputTokens: 50 },
      { requests: 1, tokens: 450, inputTokens: 400, outputTokens: 50 },
    ],
    [
      { requests: 1, tokens: 45_007, inputTokens: 45_000, outputTokens: 7 },
      { requests: 1, tokens: 45_007, inputTokens: 45_000, outputTokens: 7 },
    ],
    [{ requests: 1, tokens: 49_000, inputTokens: 45_000, outputTokens: 4_000 }, undefined],
    [
      { requests: 1, tokens: 0, inputTokens: 0, outputTokens: 0 },
      { requests: 1, tokens: 0 },
    ],
    [
      { requests: 0, tokens: 0 },
      { requests: 0, tokens: 0 },
    ],
  ])
})

it('tries with a quarter of a limit only if the provider may count less of the request', () => {
  const limited = { requests: 1, tokens: 46_000, inputTokens: 45_000, outputTokens: 1_000 }
  const reserved = { tokens: 49_000, limited }
  const denied = {
    status: 'denied',
    code: 'request_exceeds_capacity',
    period: 'minute',
    metric: 'inputTokens',
    limit: 40_000,
    excess: 5_000,
    model: MODEL,
  } as const satisfies Denied
  const { model: _, ...configured } = denied
  const { adapter } = connection()
  const openai = providerAdapter('openai')
  expect(reservedWithin(reserved, denied, adapter)).toEqual({
    tokens: 49_000,
    limited: { ...limited, inputTokens: 10_000 },
  })
  expect(reservedWithin(reserved, configured, adapter)).toBeUndefined()
  expect(reservedWithin(reserved, { ...denied, metric: 'requests' }, adapter)).toBeUndefined()
  expect(reservedWithin({ tokens: 49_000 }, denied, adapter)).toBeUndefined()
  expect(reservedWithin(reserved, denied, openai)).toBeUndefined()
})

const FULL = { tokens: 49_000, promptTokens: 4_000, outputTokens: 45_000 }

/** A request that always states the model's maximum, against a lower discovered limit. */
it.each([
  ['anthropic', 'tokens', 40_000, 128_000, 'all'],
  ['anthropic', 'outputTokens', 8_000, 64_000, 'all'],
  ['aws-bedrock', 'tokens', 40_000, 128_000, 10_000],
  ['groq', 'tokens', 6_000, 64_000, 1_500],
  // Google limits input only, to which a stated maximum does not count.
  ['google', 'inputTokens', 8_000, 128_000, 'all'],
  // OpenAI counts the larger of prompt and maximum, so a smaller reservation never helps.
  ['openai', 'tokens', 66_000, 64_000, 64_000],
  ['openai', 'tokens', 30_000, 64_000, undefined],
] as const)('%s, limit of %s %i, stated %i: holds %s', (provider, metric, limit, maxOutputTokens, held) => {
  const known = connection({ provider, enforceDiscovered: true })
  const reserved = reservedTokens({
    connection: known,
    inspection: { ...INSPECTION, maxOutputTokens },
    estimate: FULL,
  })
  const outcome = reserved.limited?.[metric] ?? 0
  const denied = { status: 'denied', code: 'request_exceeds_capacity', period: 'minute', model: MODEL } as const
  const within = reservedWithin(reserved, { ...denied, metric, limit, excess: outcome - limit }, known.adapter)
  expect(outcome <= limit ? 'all' : within?.limited?.[metric]).toBe(held)
})

const split = countedCost({ tokens: 50, inputTokens: 45, outputTokens: 5, limited: { requests: 1, tokens: 9 } })
const whole = countedCost({ tokens: 100 })

it('adds, subtracts and scales costs in every count', () => {
  const sum = sumOfCounted(whole, split)
  expect(sum).toEqual({
    requests: 2,
    tokens: 150,
    inputTokens: 145,
    outputTokens: 105,
    limited: { requests: 2, tokens: 109 },
  })
  expect(differenceOfCounted(sum, whole)).toEqual(split)
  expect(partOfCounted(sum, 1, 2)).toEqual({
    requests: 1,
    tokens: 75,
    inputTokens: 73,
    outputTokens: 53,
    limited: { requests: 1, tokens: 55 },
  })
})

it('finds the turn of a request behind more output than a whole window holds', async () => {
  const before: CountedCost = { requests: 3, tokens: 900, inputTokens: 300, outputTokens: 600 }
  const own: CountedCost = { requests: 1, tokens: 300, inputTokens: 100, outputTokens: 200 }
  const limit = { status: 'denied', period: 'minute', metric: 'outputTokens', limit: 250 } as const
  const outcome: (number | undefined)[] = []
  const turn = await turnAfter(before, own, async ({ outputTokens = 0 }): Promise<PermitDenial | undefined> => {
    outcome.push(outputTokens)
    const excess = outputTokens - limit.limit
    if (excess <= 0) return undefined
    return { status: 'denied', windows: [], denied: { ...limit, code: 'request_exceeds_capacity', excess } }
  })
  expect(outcome).toEqual([800, 50])
  expect(turn?.denied).toEqual({ ...limit, code: 'capacity_exceeded', retryAfterMs: 3 * 61_000 })
})
