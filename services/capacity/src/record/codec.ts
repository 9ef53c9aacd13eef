/** How a record is stored: JSON with short names and flat arrays of numbers, since it is written with every commit. */
import { type Cost, Denied, Metric, Period, type PermitResult, SPLIT_METRICS } from '@sluice/contracts'
import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import type { CoolDowns } from './cool-downs.ts'
import type { ModelCounters } from './model-counters.ts'
import type { LoweredBudget, ObservedBudget } from './observed-budget.ts'
import type { CapacityRecord, Loss, PermitSession } from './record.ts'
import { type Slot, slotsOf, type Window, type Windows, windowOf } from './window.ts'

/** Raised with every change of the format: records of other versions are refused, not misread. */
const VERSION = 5

const INTEGER = Type.Integer()
const NUMBERS = Type.Array(Type.Number())

/** A distinct result of a batch: when the permit was charged, a denial, or the grant of a trial. */
type Kind = Static<typeof Kind>
const Kind = Type.Union([
  INTEGER,
  Denied,
  Type.Object({ code: Type.Literal('trial'), chargedAtMs: INTEGER, trialAtMs: INTEGER }),
])

/**
 * For each slot, newest first, how many of its tokens are of this part; {@link NOT_SPLIT} when the slot does not split
 * its tokens.
 */
const StoredPart = Type.Object({ minute: NUMBERS, hour: NUMBERS, day: NUMBERS })

const storedWindows = {
  /** `[index of the newest slot, then for each slot, newest first: slots before the newest, requests, tokens]`. */
  minute: NUMBERS,
  hour: NUMBERS,
  day: NUMBERS,
  /** Input and output, if any slot splits its tokens; usually absent. */
  parts: Type.Optional(
    Type.Object({ inputTokens: Type.Optional(StoredPart), outputTokens: Type.Optional(StoredPart) }),
  ),
}

const storedWindow = Type.Object(storedWindows)

/** The fields of `PoolCoolDown`, in its order; `isServed` as 0 or 1. */
const StoredCoolDown = Type.Tuple([INTEGER, INTEGER, INTEGER, INTEGER, INTEGER, INTEGER, INTEGER, INTEGER])

export type StoredRecord = Static<typeof StoredRecord>
export const StoredRecord = Type.Object({
  /** Version of this format. */
  v: Type.Literal(VERSION),
  clock: Type.Integer(),
  ...storedWindows,
  sessions: Type.Array(
    Type.Object({
      id: Type.String(),
      seq: Type.Integer(),
      seen: Type.Integer(),
      /** Requests and tokens, then input and output where they are split. */
      open: Type.Array(INTEGER, { minItems: 2, maxItems: 2 + SPLIT_METRICS.length }),
      /** Runs of equal results: a count and an index into `kinds`, in turn. */
      runs: Type.Array(Type.Integer()),
      kinds: Type.Array(Kind),
    }),
  ),
  /** By the key of their pool. The name is part of the format. */
  cooldowns: Type.Record(Type.String(), Type.Array(StoredCoolDown)),
  /**
   * The latest loss that was made up for: its start and end; then period, metric, amount and end of each assumed use.
   */
  loss: Type.Optional(
    Type.Object({
      span: Type.Tuple([Type.Integer(), Type.Integer()]),
      assumed: Type.Array(Type.Tuple([Period, Metric, Type.Integer(), Type.Integer()])),
    }),
  ),
  /** The model charged last at the end. Absent when nothing is counted by model. */
  models: Type.Optional(
    Type.Array(
      Type.Object({
        id: Type.String(),
        ...storedWindows,
        /** Observed budgets by the key of their limit. */
        budgets: Type.Array(
          Type.Object({
            limit: Type.String(),
            seen: Type.Integer(),
            ends: Type.Integer(),
            /** The remaining amount, its end, and the instant from which on charges are counted. */
            lowered: Type.Optional(Type.Tuple([Type.Integer(), Type.Integer(), Type.Integer()])),
          }),
        ),
      }),
    ),
  ),
})

export function encodeRecord(record: CapacityRecord): StoredRecord {
  return {
    v: VERSION,
    clock: record.clockMs,
    ...encodeWindows(record.windows),
    sessions: [...record.sessions].map(([id, session]) => ({
      id,
      seq: session.seq,
      seen: session.seenAtMs,
      open: encodeCost(session.open),
      ...encodeResults(session.results),
    })),
    cooldowns: encodeCoolDowns(record.coolDowns),
    ...(record.loss === undefined ? {} : { loss: encodeLoss(record.loss) }),
    ...(record.models.size === 0 ? {} : { models: encodeModels(record.models) }),
  }
}

/** Instructions for an operator whose counters this version cannot read. */
export const HOW_TO_START_OVER =
  'go back to that version, or stop all capacity instances, remove the streams KV_capacity and KV_capacity-clock (and no other), and ' +
  'start the instances again; earlier use is unknown then, so limits count as used up until their periods have passed'

/** The stored value is not a record of this version. It must not be overwritten. */
export class UnknownRecordError extends Error {
  override readonly name = 'UnknownRecordError'
}

/** @throws UnknownRecordError when `stored` is not a record of this version */
export function decodeRecord(stored: unknown): CapacityRecord {
  if (!storedRecord.Check(stored)) {
    throw new UnknownRecordError(`the counters were written by another version of Sluice: ${HOW_TO_START_OVER}`)
  }
  return {
    clockMs: stored.clock,
    windows: decodeWindows(stored),
    models: decodeModels(stored.models ?? []),
    sessions: new Map(
      stored.sessions.map((session): [string, PermitSession] => [
        session.id,
        {
          seq: session.seq,
          seenAtMs: session.seen,
          open: decodeCost(session.open),
          results: decodeResults(session.runs, session.kinds),
        },
      ]),
    ),
    coolDowns: decodeCoolDowns(stored.cooldowns),
    ...(stored.loss === undefined ? {} : { loss: decodeLoss(stored.loss) }),
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
    budgets: [...observedBudgets].map(([limit, { seenAtMs, keptUntilMs, lowered }]) => ({
      limit,
      seen: seenAtMs,
      ends: keptUntilMs,
      ...(lowered === undefined ? {} : { lowered: [lowered.remaining, lowered.endsAtMs, lowered.countedFromMs] }),
    })),
  }))
}

function decodeModels(stored: readonly StoredModel[]): CapacityRecord['models'] {
  return new Map(
    stored.map(({ id, budgets, ...windows }): [string, ModelCounters] => [
      id,
      {
        windows: decodeWindows(windows),
        observedBudgets: new Map(
          budgets.map(({ limit, seen, ends, lowered }): [string, ObservedBudget] => [
            limit,
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

function decodeLowered([remaining, endsAtMs, countedFromMs]: [number, number, number]): LoweredBudget {
  return { remaining, endsAtMs, countedFromMs }
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
    const isSplit = (slot: Slot) => slot[metric] !== undefined
    if (!(minutes.some(isSplit) || hours.some(isSplit) || days.some(isSplit))) continue
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
  const newestIndex = numberAt(numbers, 0)
  const slots: Slot[] = []
  for (let i = 1; i < numbers.length; i += 3) {
    const cost: Cost = { requests: numberAt(numbers, i + 1), tokens: numberAt(numbers, i + 2) }
    for (const metric of SPLIT_METRICS) {
      const part = stored.parts?.[metric]
      const amount = part === undefined ? NOT_SPLIT : numberAt(part[period], slots.length)
      if (amount !== NOT_SPLIT) cost[metric] = amount
    }
    slots.push({ index: newestIndex - numberAt(numbers, i), ...cost })
  }
  return windowOf(period, slots.reverse())
}

function encodeCost(cost: Cost): number[] {
  const numbers = [cost.requests, cost.tokens, ...SPLIT_METRICS.map((metric) => cost[metric] ?? NOT_SPLIT)]
  while (numbers.length > 2 && numbers.at(-1) === NOT_SPLIT) numbers.pop()
  return numbers
}

function decodeCost(numbers: readonly number[]): Cost {
  const cost: Cost = { requests: numberAt(numbers, 0), tokens: numberAt(numbers, 1) }
  for (const [index, amount] of numbers.slice(2).entries()) {
    const metric = SPLIT_METRICS[index]
    if (metric !== undefined && amount !== NOT_SPLIT) cost[metric] = amount
  }
  return cost
}

const NOT_SPLIT = -1

/** @throws UnknownRecordError when the list is shorter: a default would count less than was charged */
function numberAt(numbers: readonly number[], index: number): number {
  const number = numbers[index]
  if (number === undefined) throw new UnknownRecordError('a list of numbers in a capacity record is cut short')
  return number
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
  for (let i = 0; i < runs.length; i += 2) {
    const kind = kinds[numberAt(runs, i + 1)]
    if (kind === undefined)
      throw new UnknownRecordError('a capacity record refers to a result that it does not contain')
    const result = resultOf(kind)
    for (let n = numberAt(runs, i); n > 0; n--) results.push(result)
  }
  return results
}

const storedRecord = Compile(StoredRecord)
