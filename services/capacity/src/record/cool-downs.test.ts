import { type CoolDown, DELIVERY_SLACK_MS, MAX_DELIVERY_SLACK_MS, type Trial } from '@sluice/contracts'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { requestAt } from '../../test/acquire-at.ts'
import { settle } from '../decide/settle.ts'
import {
  FIRST_TRIAL_INTERVAL_MS,
  MAX_COOL_DOWNS,
  MAX_TRIAL_INTERVAL_MS,
  poolKey,
  poolOf,
  STRICT_MS,
} from './cool-downs.ts'
import { advance, type CapacityRecord, emptyRecord } from './record.ts'
import { statusOf } from './status.ts'

const T0 = Date.UTC(2026, 0, 1)
const HOUR_MS = 3_600_000
const UNLIMITED = { configured: [] }
const nothing = { requests: 0, tokens: 0 }

it('holds back requests of the refused one’s pool, and serves those of the model’s other pools', () => {
  const record = cooled({ model: 'm', pool: 'flex', durationMs: 30_000 })
  expect(acquire(record, { pool: 'flex' }, T0)).toMatchObject({
    code: 'upstream_cool_down',
    model: 'm',
    pool: 'flex',
    retryAfterMs: 30_000,
  })
  for (const other of [{}, { pool: 'priority' }, { pool: 'flex+long' }, { model: 'm2', pool: 'flex' }]) {
    expect(acquire(record, other, T0).status).toBe('granted')
  }
  const common = cooled({ model: 'm', durationMs: 30_000 })
  expect(acquire(common, {}, T0).status).toBe('denied')
  expect(acquire(common, { pool: 'flex' }, T0).status).toBe('granted')
})

it('serves smaller requests than the one that was refused', () => {
  const record = cooled({ model: 'm', minTokens: 65_536, durationMs: HOUR_MS })
  expect(acquire(record, { tokens: 65_536 }, T0)).toMatchObject({ code: 'upstream_cool_down' })
  expect(acquire(record, { tokens: 65_535 }, T0).status).toBe('granted')
  const both = settled(record, T0, { model: 'm', minTokens: 1_024, durationMs: 5_000 })
  expect(acquire(both, { tokens: 2_000 }, T0)).toMatchObject({ retryAfterMs: 5_000 })
  expect(acquire(both, { tokens: 100_000 }, T0)).toMatchObject({ retryAfterMs: STRICT_MS })
})

it('counts the size of one request when several are requested', () => {
  const record = cooled({ model: 'm', minTokens: 4_096, durationMs: HOUR_MS })
  const several = { model: 'm', requests: 10, tokens: 10_000, probe: true }
  expect(acquire(record, { ...several, ownTokens: 1_000 }, T0).status).toBe('granted')
  expect(acquire(record, { ...several, ownTokens: 5_000 }, T0).status).toBe('denied')
})

it('keeps a cool-down of up to a minute in full', () => {
  const record = cooled({ model: 'm', durationMs: STRICT_MS })
  expect(acquire(record, {}, T0 + STRICT_MS - 1)).toMatchObject({ retryAfterMs: 1 })
  expect(acquire(record, {}, T0 + STRICT_MS)).not.toHaveProperty('trialAtMs')
})

it('lets single trials through a longer cool-down, at growing intervals, until it is over', () => {
  let record = cooled({ model: 'm', durationMs: HOUR_MS })
  const trialsMs: number[] = []
  for (let atMs = T0; atMs < T0 + HOUR_MS; atMs += 1_000) {
    const result = acquire(record, {}, atMs)
    if (result.status === 'denied') continue
    expect(result.trialAtMs).toBe(atMs)
    trialsMs.push(atMs - T0)
    record = result.record
    // Another request at the same moment is held back.
    expect(acquire(record, {}, atMs).status).toBe('denied')
  }
  const minutes = trialsMs.map((atMs) => atMs / 60_000)
  expect(minutes).toEqual([1, 3, 7, 15, 25, 35, 45, 55])
  expect(acquire(record, {}, T0 + HOUR_MS)).toMatchObject({ status: 'granted' })
  expect(acquire(record, {}, T0 + HOUR_MS)).not.toHaveProperty('trialAtMs')
})

it('ends a long cool-down as soon as the provider serves a trial', () => {
  const record = cooled({ model: 'm', durationMs: HOUR_MS })
  const tried = granted(acquire(record, {}, T0 + STRICT_MS))
  const served = ended(tried.record, T0 + STRICT_MS + 400, 'served')
  for (let count = 0; count < 3; count++) expect(acquire(served, {}, T0 + STRICT_MS + 400).status).toBe('granted')
  expect(statusOf('c', served, UNLIMITED).coolDowns).toEqual([])
})

it('continues a cool-down whose trial is refused, and makes the next request the trial when one was not sent', () => {
  const record = cooled({ model: 'm', durationMs: HOUR_MS })
  const tried = granted(acquire(record, {}, T0 + STRICT_MS)).record
  const refused = settled(tried, T0 + STRICT_MS + 400, { model: 'm', durationMs: HOUR_MS })
  expect(acquire(refused, {}, T0 + 3 * 60_000 - 1)).toMatchObject({ retryAfterMs: 1 })
  expect(statusOf('c', advance(refused, T0 + STRICT_MS + 400), UNLIMITED).coolDowns).toEqual([
    { model: 'm', remainingMs: HOUR_MS, trialInMs: 119_600 },
  ])
  const unsent = ended(tried, T0 + STRICT_MS + 400, 'unsent', { grantedAtMs: T0 + STRICT_MS })
  expect(acquire(unsent, {}, T0 + STRICT_MS + 400)).toMatchObject({
    status: 'granted',
    trialAtMs: T0 + STRICT_MS + 400,
  })
})

it('believes no trial about what was refused after it', () => {
  const record = cooled({ model: 'm', durationMs: HOUR_MS })
  const tried = granted(acquire(record, {}, T0 + STRICT_MS)).record
  const refused = settled(tried, T0 + STRICT_MS + 200, { model: 'm', durationMs: 30_000 })
  const served = ended(refused, T0 + STRICT_MS + 400, 'served', { grantedAtMs: T0 + STRICT_MS })
  expect(acquire(served, {}, T0 + STRICT_MS + 400).status).toBe('denied')
  const unsent = ended(refused, T0 + STRICT_MS + 400, 'unsent', { grantedAtMs: T0 + STRICT_MS })
  expect(acquire(unsent, {}, T0 + STRICT_MS + 400)).toMatchObject({ retryAfterMs: 29_800 })
})

it.each([DELIVERY_SLACK_MS, MAX_DELIVERY_SLACK_MS])(
  'believes no trial about what was refused after its grant, however much later it is charged: slack of %i ms',
  (slackMs) => {
    const record = cooled({ model: 'm', durationMs: HOUR_MS })
    const atMs = T0 + 2 * STRICT_MS
    const { record: tried, trialAtMs, chargedAtMs } = granted(acquire(record, {}, atMs, slackMs))
    expect(chargedAtMs).toBe(atMs + slackMs - DELIVERY_SLACK_MS)
    if (trialAtMs === undefined) return expect.fail('it is a trial')
    for (const laterMs of [0, 1, 499, 500, 501, 1_000]) {
      const refused = settled(tried, atMs + laterMs, { model: 'm', durationMs: HOUR_MS })
      const served = ended(refused, atMs + 2_000, 'served', { grantedAtMs: trialAtMs })
      expect(acquire(served, {}, atMs + 2_000, slackMs).status).toBe('denied')
    }
    const served = ended(tried, atMs + 2_000, 'served', { grantedAtMs: trialAtMs })
    expect(acquire(served, {}, atMs + 2_000, slackMs).status).toBe('granted')
  },
)

it('a small request that is served ends no cool-down of larger ones', () => {
  let record = cooled({ model: 'm', minTokens: 65_536, durationMs: HOUR_MS })
  record = settled(record, T0, { model: 'm', durationMs: HOUR_MS })
  const tried = granted(acquire(record, { tokens: 10 }, T0 + STRICT_MS)).record
  const served = ended(tried, T0 + STRICT_MS, 'served', { tokens: 10 })
  expect(acquire(served, { tokens: 65_535 }, T0 + STRICT_MS).status).toBe('granted')
  expect(acquire(served, { tokens: 65_536 }, T0 + STRICT_MS)).toMatchObject({ trialAtMs: T0 + STRICT_MS })
  const large = granted(acquire(served, { tokens: 65_536 }, T0 + STRICT_MS)).record
  expect(acquire(large, { tokens: 65_536 }, T0 + STRICT_MS).status).toBe('denied')
})

it('extends a cool-down and never shortens it', () => {
  const long = cooled({ model: 'm', durationMs: 9_000 })
  const short = settled(long, T0, { model: 'm', durationMs: 1_000 })
  expect(acquire(short, {}, T0)).toMatchObject({ retryAfterMs: 9_000 })
})

it('keeps a bounded number of cool-downs, those that end last', () => {
  let record = emptyRecord()
  for (let i = 1; i <= MAX_COOL_DOWNS + 50; i++) {
    const pool = i % 2 === 0 ? {} : { pool: 'flex' }
    record = settled(record, T0, { model: `m${i >> 1}`, ...pool, durationMs: i * 1_000 })
  }
  const { coolDowns } = statusOf('c', record, UNLIMITED)
  expect(coolDowns).toHaveLength(MAX_COOL_DOWNS)
  expect(Math.min(...coolDowns.map(({ remainingMs }) => remainingMs))).toBe(51_000)
})

it.each(['before', 'after'])(
  'keeps the cool-downs of served models, whatever cool-downs of made-up names come %s them',
  (when) => {
    const madeUp = (record: CapacityRecord): CapacityRecord => {
      let next = record
      for (let i = 0; i < 2 * MAX_COOL_DOWNS; i++)
        next = settled(next, T0, { model: `made up ${i}`, durationMs: HOUR_MS })
      return next
    }
    const real = (record: CapacityRecord): CapacityRecord => {
      const served = settled(record, T0, { model: 'm', durationMs: 5_000, isServed: true })
      // A gateway that has not seen the model served takes nothing back.
      return settled(settled(served, T0, { model: 'm', durationMs: 6_000 }), T0, {
        model: 'm',
        pool: 'flex',
        minTokens: 4_096,
        durationMs: 1_000,
        isServed: true,
      })
    }
    const record = when === 'before' ? real(madeUp(emptyRecord())) : madeUp(real(emptyRecord()))
    expect(acquire(record, {}, T0)).toMatchObject({ code: 'upstream_cool_down', retryAfterMs: 6_000 })
    expect(acquire(record, { pool: 'flex', tokens: 4_096 }, T0)).toMatchObject({ retryAfterMs: 1_000 })
    expect(statusOf('c', record, UNLIMITED).coolDowns).toHaveLength(MAX_COOL_DOWNS)
  },
)

it('keeps pools apart by name, whatever their models are called', () => {
  for (const pool of [{ model: 'm' }, { model: 'a;b', pool: 'flex' }, { model: ';x' }, { model: '', pool: 'files' }]) {
    expect(poolOf(poolKey(pool))).toEqual(pool)
  }
})

/** What happened, kept in full and looked through at each question: slow, and too plain to be wrong. */
interface Refusal {
  readonly atMs: number
  readonly pool: string
  readonly minTokens: number
  readonly durationMs: number
  isOver: boolean
}

interface OpenTrial {
  readonly pool: string
  readonly tokens: number
  readonly grantedAtMs: number
}

const pool = fc.constantFrom('', 'flex')
const minTokens = fc.constantFrom(0, 1_024, 4_096)
const stepArbitrary = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('refusal' as const),
      pool,
      minTokens,
      durationMs: fc.oneof(fc.integer({ min: 1, max: STRICT_MS }), fc.integer({ min: 1, max: HOUR_MS })),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('acquire' as const),
      pool: fc.constantFrom('', 'flex', 'long'),
      tokens: fc.constantFrom(0, 1_023, 1_024, 5_000),
      slackMs: fc.constantFrom(DELIVERY_SLACK_MS, MAX_DELIVERY_SLACK_MS),
      untilFree: fc.boolean(),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('end' as const),
      which: fc.nat(5),
      fate: fc.constantFrom('served', 'unsent', 'refused', 'failed'),
      durationMs: fc.integer({ min: 1, max: HOUR_MS }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      forMs: fc.oneof(fc.nat(5_000), fc.nat(900_000)),
    }),
  },
)

it('lets only trials through a cool-down, one at a time, and says exactly when to retry, whatever happens', () => {
  fc.assert(
    fc.property(fc.array(stepArbitrary, { minLength: 5, maxLength: 100 }), (steps) => {
      let record = emptyRecord()
      let nowMs = T0
      const refusals: Refusal[] = []
      const open: OpenTrial[] = []
      /** Trials that were sent, whatever became of them. */
      const sent: OpenTrial[] = []

      const refuse = (refusal: Omit<Refusal, 'atMs' | 'isOver'>): void => {
        refusals.push({ ...refusal, atMs: nowMs, isOver: false })
        record = settled(record, nowMs, coolDownOf(refusal.pool, refusal.minTokens, refusal.durationMs))
      }
      /** The refusals that a request is held back for. */
      const pausing = (pool: string, tokens: number) =>
        refusals.filter(
          (each) =>
            !each.isOver && each.pool === pool && each.minTokens <= tokens && each.atMs + each.durationMs > nowMs,
        )

      for (const step of steps) {
        if (step.kind === 'wait') nowMs += step.forMs
        if (step.kind === 'refusal') refuse(step)
        if (step.kind === 'end') {
          const [trial] = open.splice(step.which % Math.max(1, open.length), 1)
          if (trial === undefined) continue
          const { pool, tokens, grantedAtMs } = trial
          if (step.fate === 'unsent') sent.splice(sent.indexOf(trial), 1)
          if (step.fate === 'refused') refuse({ pool, minTokens: 0, durationMs: step.durationMs })
          if (step.fate === 'served' || step.fate === 'unsent') record = ended(record, nowMs, step.fate, trial)
          if (step.fate !== 'served') continue
          for (const floor of [0, 1_024, 4_096]) {
            const same = refusals.filter((each) => each.pool === pool && each.minTokens === floor && !each.isOver)
            // Whatever that refusal result for: one that came later than the grant says that the provider was not
            // serving then.
            const isSinceRefused = same.some(({ atMs }) => atMs >= grantedAtMs)
            if (floor <= tokens && !isSinceRefused)
              for (const each of same) if (each.atMs < grantedAtMs) each.isOver = true
          }
        }
        if (step.kind !== 'acquire') continue
        const { pool, tokens, slackMs } = step
        const question = { ...(pool === '' ? {} : { pool }), tokens }
        let result = acquire(record, question, nowMs, slackMs)
        if (result.status === 'denied') {
          if (result.code !== 'upstream_cool_down') return expect.fail('there are no limits')
          expect(pausing(pool, tokens)).not.toEqual([])
          const { retryAfterMs } = result
          expect(acquire(record, question, nowMs + retryAfterMs - 1).status).toBe('denied')
          expect(acquire(record, question, nowMs + retryAfterMs).status).toBe('granted')
          expect(retryAfterMs).toBeLessThanOrEqual(MAX_TRIAL_INTERVAL_MS)
          if (!step.untilFree) continue
          nowMs += retryAfterMs
          result = acquire(record, question, nowMs, slackMs)
        }
        const permit = granted(result)
        record = permit.record
        const reasons = pausing(pool, tokens)
        expect(permit.trialAtMs).toBe(reasons.length > 0 ? nowMs : undefined)
        for (const { atMs, durationMs } of reasons) {
          expect(nowMs - atMs).toBeGreaterThanOrEqual(Math.min(durationMs, STRICT_MS))
        }
        if (permit.trialAtMs === undefined) continue
        for (const { minTokens } of reasons) {
          const before = sent.filter((each) => each.pool === pool && each.tokens >= minTokens)
          const oldestMs = Math.min(...reasons.filter((each) => each.minTokens === minTokens).map(({ atMs }) => atMs))
          for (const { grantedAtMs } of before) {
            if (grantedAtMs > oldestMs) expect(nowMs - grantedAtMs).toBeGreaterThanOrEqual(FIRST_TRIAL_INTERVAL_MS)
          }
        }
        const trial = { pool, tokens, grantedAtMs: permit.trialAtMs }
        open.push(trial)
        sent.push(trial)
      }
    }),
    { numRuns: 5_000 },
  )
}, 120_000)

function coolDownOf(pool: string, minTokens: number, durationMs: number): CoolDown {
  return { model: 'm', ...(pool === '' ? {} : { pool }), ...(minTokens === 0 ? {} : { minTokens }), durationMs }
}

function cooled(coolDown: CoolDown): CapacityRecord {
  return settled(emptyRecord(), T0, coolDown)
}

function settled(record: CapacityRecord, atMs: number, coolDown: CoolDown): CapacityRecord {
  return settle(advance(record, atMs), { chargedAtMs: 0, reserved: nothing, actual: nothing, coolDown })
}

function ended(
  record: CapacityRecord,
  atMs: number,
  outcome: Trial['outcome'],
  { grantedAtMs = atMs, tokens = 0, pool = '' } = {},
): CapacityRecord {
  const trial = { model: 'm', ...(pool === '' ? {} : { pool }), tokens, grantedAtMs, outcome }
  return settle(advance(record, atMs), { chargedAtMs: 0, reserved: nothing, actual: nothing, trial })
}

function acquire(record: CapacityRecord, given: object, atMs: number, slackMs?: number) {
  return requestAt(record, UNLIMITED, { model: 'm', requests: 1, tokens: 0, ...given }, atMs, slackMs)
}

function granted(result: ReturnType<typeof acquire>) {
  return result.status === 'granted' ? result : expect.fail(`denied: ${JSON.stringify(result)}`)
}
