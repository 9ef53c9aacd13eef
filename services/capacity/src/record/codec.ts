import { type Cost, type Denied, Metric, Period, type PermitResult, SPLIT_METRICS } from '@sluice/contracts'
import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import type { CoolDowns } from './cool-downs.ts'
import type { ModelCounters } from './model-counters.ts'
import type { LoweredLimit, ObservedBudget } from './observed-budget.ts'
import type { CapacityRecord, Loss, PermitSession } from './record.ts'
import { type Slot, slotsOf, type Window, type Windows, windowOf } from './window.ts'

const INTEGER = Type.Integer()
const NUMBERS = Type.Array(Type.Number())

/** Of each slot, newest first, how many of `tokens` are of this part; {@link NOT_SPLIT} where the slot does not tell. */
const StoredPart = Type.Object({ minute: NUMBERS, hour: NUMBERS, day: NUMBERS })

const storedWindows = {
  /** Of each: `[index of the newest slot, then for each slot, newest first: slots before the newest, requests, tokens]`. */
  minute: NUMBERS,
  hour: NUMBERS,
  day: NUMBERS,
  /** Each part of tokens that a slot tells apart; absent where none does, as where none is limited. */
  parts: Type.Optional(
    Type.Object({ inputTokens: Type.Optional(StoredPart), outputTokens: Type.Optional(StoredPart) }),
  ),
}

const storedWindow = Type.Object(storedWindows)

/** From how many tokens, until when, whether the model was served (0 or 1), refused when, strictly until when, tried when, to be tried when, and how much later then. */
const StoredCoolDown = Type.Tuple([INTEGER, INTEGER, INTEGER, INTEGER, INTEGER, INTEGER, INTEGER, INTEGER])

/** A record as it is stored: JSON with short names and flat arrays of numbers, since it is written with every commit. */
export type StoredRecord = Static<typeof StoredRecord>
export const StoredRecord = Type.Object({
  /** Version of this form. One of version 3 reads the same: it tells no parts of tokens apart. */
  v: Type.Union([Type.Literal(3), Type.Literal(4)]),
  clock: Type.Integer(),
  ...storedWindows,
  sessions: Type.Array(
    Type.Object({
      id: Type.String(),
      seq: Type.Integer(),
      seen: Type.Integer(),
      /** Requests and tokens, and then each part of tokens that is told apart. */
      open: Type.Array(INTEGER, { minItems: 2, maxItems: 2 + SPLIT_METRICS.length }),
      /** Runs of equal results: how many, and which of `kinds`. */
      runs: Type.Array(Type.Integer()),
      /** Distinct results: an instant of grant, a denial, or the grant of a trial. */
      kinds: Type.Array(Type.Union([Type.Integer(), Type.Object({ code: Type.String() })])),
    }),
  ),
  /** Of each pool, by its name. */
  cooldowns: Type.Record(Type.String(), Type.Array(StoredCoolDown)),
  /** The latest loss that was made up for: since when, until when; then of each assumed use: period, metric, amount, end. */
  loss: Type.Optional(
    Type.Object({
      span: Type.Tuple([Type.Integer(), Type.Integer()]),
      assumed: Type.Array(Type.Tuple([Period, Metric, Type.Integer(), Type.Integer()])),
    }),
  ),
  /** Absent where nothing is counted for each model; the model charged last at the end. */
  models: Type.Optional(
    Type.Array(
      Type.Object({
        id: Type.String(),
        ...storedWindows,
        /** Of each limit of which an answer was weighed: which, when seen, until when kept. */
        told: Type.Array(
          Type.Object({
            of: Type.String(),
            seen: Type.Integer(),
            ends: Type.Integer(),
            /** Where it is lowered: what is left, until when, and since when that is counted. */
            lowered: Type.Optional(Type.Tuple([Type.Integer(), Type.Integer(), Type.Integer()])),
          }),
        ),
      }),
    ),
  ),
})

export function encodeRecord(record: CapacityRecord): StoredRecord {
  return {
    v: 4,
    clock: record.clockMs,
    ...encodeWindows(record.windows),
    sessions: [...record.sessions].map(([id, session]) => ({
      id,
      seq: session.seq,
      seen: session.seenAtMs,
      open: encodeCost(session.open),
      ...encodeResults(session.results),
    })),
    cooldowns: encodeCoolDowns(record.cooldowns),
    ...(record.loss === undefined ? {} : { loss: encodeLoss(record.loss) }),
    ...(record.models.size === 0 ? {} : { models: encodeModels(record.models) }),
  }
}

/** What an operator can do with counters that this version does not read. */
export const HOW_TO_BEGIN_AGAIN =
  'go back to that version, or stop all capacity instances, remove the streams KV_capacity and KV_capacity-clock (and no other), and ' +
  'start them again; what was counted until then counts as used until its limits have passed'

/** What is stored is no record of a version that is known here: nobody may overwrite it. */
export class UnknownRecordError extends Error {
  override readonly name = 'UnknownRecordError'
}

/** @throws UnknownRecordError */
export function decodeRecord(stored: unknown): CapacityRecord {
  if (!storedRecord.Check(stored)) {
    throw new UnknownRecordError(`the counters were written by another version of Sluice: ${HOW_TO_BEGIN_AGAIN}`)
  }
  const record: StoredRecord = stored
  return {
    clockMs: record.clock,
    windows: decodeWindows(record),
    models: decodeModels(record.models ?? []),
    sessions: new Map(
      record.sessions.map((session): [string, PermitSession] => [
        session.id,
        {
          seq: session.seq,
          seenAtMs: session.seen,
          open: decodeCost(session.open),
          results: decodeResults(session.runs, session.kinds as Kind[]),
        },
      ]),
    ),
    cooldowns: decodeCoolDowns(record.cooldowns),
    ...(record.loss === undefined ? {} : { loss: decodeLoss(record.loss) }),
  }
}

function encodeCoolDowns(coolDowns: CoolDowns): StoredRecord['cooldowns'] {
  return Object.fromEntries(
    Array.from(coolDowns, ([key, each]) => [
      key,
      each.map(
        ({ minTokens, endsAtMs, isServed, refusedAtMs, strictUntilMs, triedAtMs, trialAtMs, trialIntervalMs }) => [
          minTokens,
          endsAtMs,
          Number(isServed),
          refusedAtMs,
          strictUntilMs,
          triedAtMs,
          trialAtMs,
          trialIntervalMs,
        ],
      ),
    ]),
  )
}

function decodeCoolDowns(stored: StoredRecord['cooldowns']): CoolDowns {
  return new Map(
    Object.entries(stored).map(([key, each]) => [
      key,
      each.map(([minTokens, endsAtMs, served, refusedAtMs, strictUntilMs, triedAtMs, trialAtMs, trialIntervalMs]) => ({
        minTokens,
        endsAtMs,
        isServed: served === 1,
        refusedAtMs,
        strictUntilMs,
        triedAtMs,
        trialAtMs,
        trialIntervalMs,
      })),
    ]),
  )
}

type StoredLoss = NonNullable<StoredRecord['loss']>

function encodeLoss({ fromMs, untilMs, assumed }: Loss): StoredLoss {
  return {
    span: [fromMs, untilMs],
    assumed: assumed.map(({ period, metric, amount, endsAtMs }) => [period, metric, amount, endsAtMs]),
  }
}

function decodeLoss({ span: [fromMs, untilMs], assumed }: StoredLoss): Loss {
  return {
    fromMs,
    untilMs,
    assumed: assumed.map(([period, metric, amount, endsAtMs]) => ({ period, metric, amount, endsAtMs })),
  }
}

function encodeModels(models: CapacityRecord['models']): StoredModel[] {
  return [...models].map(([id, { windows, observedBudgets }]) => ({
    id,
    ...encodeWindows(windows),
    told: [...observedBudgets].map(([of, { seenAtMs, keptUntilMs, lowered }]) => ({
      of,
      seen: seenAtMs,
      ends: keptUntilMs,
      ...(lowered === undefined ? {} : { lowered: [lowered.left, lowered.endsAtMs, lowered.countedFromMs] }),
    })),
  }))
}

function decodeModels(stored: readonly StoredModel[]): CapacityRecord['models'] {
  return new Map(
    stored.map(({ id, told, ...windows }): [string, ModelCounters] => [
      id,
      {
        windows: decodeWindows(windows),
        observedBudgets: new Map(
          told.map(({ of, seen, ends, lowered }): [string, ObservedBudget] => [
            of,
            {
              seenAtMs: seen,
              keptUntilMs: ends,
              ...(lowered === undefined ? {} : { lowered: decodeLowered(lowered) }),
            },
          ]),
        ),
      },
    ]),
  )
}

function decodeLowered([left, endsAtMs, countedFromMs]: [number, number, number]): LoweredLimit {
  return { left, endsAtMs, countedFromMs }
}

type StoredModel = NonNullable<StoredRecord['models']>[number]

type StoredWindows = Static<typeof storedWindow>

function encodeWindows({ minute, hour, day }: Windows): StoredWindows {
  const [minutes, hours, days] = [newestFirst(minute), newestFirst(hour), newestFirst(day)]
  const stored: StoredWindows = {
    minute: encodeWindow(minute, minutes),
    hour: encodeWindow(hour, hours),
    day: encodeWindow(day, days),
  }
  for (const metric of SPLIT_METRICS) {
    const tellsApart = (slot: Slot) => slot[metric] !== undefined
    if (!(minutes.some(tellsApart) || hours.some(tellsApart) || days.some(tellsApart))) continue
    const partOf = (slots: readonly Slot[]) => slots.map((slot) => slot[metric] ?? NOT_SPLIT)
    stored.parts ??= {}
    stored.parts[metric] = { minute: partOf(minutes), hour: partOf(hours), day: partOf(days) }
  }
  return stored
}

function decodeWindows(stored: StoredWindows): Windows {
  return {
    minute: decodeWindow('minute', stored),
    hour: decodeWindow('hour', stored),
    day: decodeWindow('day', stored),
  }
}

function newestFirst(window: Window): readonly Slot[] {
  return slotsOf(window).toReversed()
}

function encodeWindow({ newest }: Window, slots: readonly Slot[]): number[] {
  const numbers = [newest.index]
  for (const slot of slots) numbers.push(newest.index - slot.index, slot.requests, slot.tokens)
  return numbers
}

function decodeWindow(period: Period, stored: StoredWindows): Window {
  const numbers = stored[period]
  const newestIndex = numbers[0] ?? 0
  const slots: Slot[] = []
  for (let i = 1; i + 2 < numbers.length; i += 3) {
    const [age = 0, requests = 0, tokens = 0] = numbers.slice(i, i + 3)
    const cost: Cost = { requests, tokens }
    for (const metric of SPLIT_METRICS) {
      const amount = stored.parts?.[metric]?.[period][slots.length] ?? NOT_SPLIT
      if (amount !== NOT_SPLIT) cost[metric] = amount
    }
    slots.push({ index: newestIndex - age, ...cost })
  }
  return windowOf(period, slots.reverse())
}

function encodeCost(cost: Cost): number[] {
  const numbers = [cost.requests, cost.tokens, ...SPLIT_METRICS.map((metric) => cost[metric] ?? NOT_SPLIT)]
  while (numbers.length > 2 && numbers.at(-1) === NOT_SPLIT) numbers.pop()
  return numbers
}

function decodeCost([requests = 0, tokens = 0, ...parts]: readonly number[]): Cost {
  const cost: Cost = { requests, tokens }
  for (const [index, amount] of parts.entries()) {
    const metric = SPLIT_METRICS[index]
    if (metric !== undefined && amount !== NOT_SPLIT) cost[metric] = amount
  }
  return cost
}

const NOT_SPLIT = -1

/** An instant of grant, a denial, or the grant of a trial. */
type Kind = number | Denied | StoredTrial
interface StoredTrial {
  readonly code: 'trial'
  readonly chargedAtMs: number
  readonly trialAtMs: number
}

function encodeResults(results: readonly PermitResult[]): { runs: number[]; kinds: Kind[] } {
  const runs: number[] = []
  const kinds: Kind[] = []
  const positions = new Map<string, number>()
  for (const result of results) {
    const kind = kindOf(result)
    const key = typeof kind === 'number' ? String(kind) : JSON.stringify(kind)
    const position = positions.get(key) ?? kinds.push(kind) - 1
    positions.set(key, position)
    if (runs.at(-1) === position) runs[runs.length - 2] = (runs.at(-2) ?? 0) + 1
    else runs.push(1, position)
  }
  return { runs, kinds }
}

function kindOf(result: PermitResult): Kind {
  if (result.status === 'denied') return result
  const { chargedAtMs, trialAtMs } = result
  return trialAtMs === undefined ? chargedAtMs : { code: 'trial', chargedAtMs, trialAtMs }
}

function resultOf(kind: Kind): PermitResult {
  if (typeof kind === 'number') return { status: 'granted', chargedAtMs: kind }
  if (kind.code !== 'trial') return kind
  const { chargedAtMs, trialAtMs } = kind
  return { status: 'granted', chargedAtMs, trialAtMs }
}

function decodeResults(runs: readonly number[], kinds: readonly Kind[]): PermitResult[] {
  const results: PermitResult[] = []
  for (let i = 0; i + 1 < runs.length; i += 2) {
    const kind = kinds[runs[i + 1] ?? -1]
    if (kind === undefined) throw new UnknownRecordError('a capacity record names a result that it does not hold')
    const result = resultOf(kind)
    for (let n = runs[i] ?? 0; n > 0; n--) results.push(result)
  }
  return results
}

const storedRecord = Compile(StoredRecord)
