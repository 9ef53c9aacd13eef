import { type Denied, Metric, Period, type PermitResult } from '@sluice/contracts'
import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import type { Allowance, LoweredLimit } from '../domain/allowance.ts'
import type { CoolDowns } from '../domain/cool-downs.ts'
import type { ModelCounters } from '../domain/model-counters.ts'
import type { CapacityRecord, Lane, Loss } from '../domain/record.ts'
import { type Slot, slotsOf, type Window, windowOf } from '../domain/window.ts'
import type { Windows } from '../domain/windows.ts'

/** Of each: `[index of the newest slot, then for each slot, newest first: slots before the newest, requests, tokens]`. */
const storedWindows = {
  minute: Type.Array(Type.Number()),
  hour: Type.Array(Type.Number()),
  day: Type.Array(Type.Number()),
}

const INTEGER = Type.Integer()

/** From how many tokens, until when, whether the model was served (0 or 1), refused when, strictly until when, tried when, to be tried when, and how much later then. */
const StoredCoolDown = Type.Tuple([INTEGER, INTEGER, INTEGER, INTEGER, INTEGER, INTEGER, INTEGER, INTEGER])

/** A record as it is stored: JSON with short names and flat arrays of numbers, since it is written with every commit. */
export type StoredRecord = Static<typeof StoredRecord>
export const StoredRecord = Type.Object({
  /** Version of this form. */
  v: Type.Literal(3),
  clock: Type.Integer(),
  ...storedWindows,
  lanes: Type.Array(
    Type.Object({
      id: Type.String(),
      seq: Type.Integer(),
      seen: Type.Integer(),
      open: Type.Tuple([Type.Integer(), Type.Integer()]),
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
    v: 3,
    clock: record.clockMs,
    ...encodeWindows(record.windows),
    lanes: [...record.lanes].map(([id, lane]) => ({
      id,
      seq: lane.seq,
      seen: lane.seenAtMs,
      open: [lane.open.requests, lane.open.tokens],
      ...encodeResults(lane.results),
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
    lanes: new Map(
      record.lanes.map((lane): [string, Lane] => [
        lane.id,
        {
          seq: lane.seq,
          seenAtMs: lane.seen,
          open: { requests: lane.open[0], tokens: lane.open[1] },
          results: decodeResults(lane.runs, lane.kinds as Kind[]),
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
  return [...models].map(([id, { windows, allowances }]) => ({
    id,
    ...encodeWindows(windows),
    told: [...allowances].map(([of, { seenAtMs, keptUntilMs, lowered }]) => ({
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
        allowances: new Map(
          told.map(({ of, seen, ends, lowered }): [string, Allowance] => [
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

function encodeWindows({ minute, hour, day }: Windows): Record<Period, number[]> {
  return { minute: encodeWindow(minute), hour: encodeWindow(hour), day: encodeWindow(day) }
}

function decodeWindows({ minute, hour, day }: Record<Period, readonly number[]>): Windows {
  return {
    minute: decodeWindow('minute', minute),
    hour: decodeWindow('hour', hour),
    day: decodeWindow('day', day),
  }
}

function encodeWindow(window: Window): number[] {
  const numbers = [window.newest.index]
  for (const slot of slotsOf(window).toReversed()) {
    numbers.push(window.newest.index - slot.index, slot.requests, slot.tokens)
  }
  return numbers
}

function decodeWindow(period: Period, numbers: readonly number[]): Window {
  const newestIndex = numbers[0] ?? 0
  const slots: Slot[] = []
  for (let i = 1; i + 2 < numbers.length; i += 3) {
    const [age = 0, requests = 0, tokens = 0] = numbers.slice(i, i + 3)
    slots.push({ index: newestIndex - age, requests, tokens })
  }
  return windowOf(period, slots.reverse())
}

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
