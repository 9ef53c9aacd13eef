import { type Static, Type } from 'typebox'
import { defineRequest } from '../define.ts'
import { subjectToken } from '../subject-token.ts'
import { Metric, Period } from './limits.ts'

/** One limit of a connection as it stands. */
export type WindowStatus = Static<typeof WindowStatus>
export const WindowStatus = Type.Object({
  period: Period,
  metric: Metric,
  limit: Type.Integer(),
  /** Charged in the window, open reservations included. May stand above the limit by what callers understated. */
  used: Type.Integer(),
  /** The part of `used` that requests under way have reserved and not settled yet. */
  reserved: Type.Integer(),
  remaining: Type.Integer(),
  /** Until the window is empty, if nothing more is charged. */
  resetMs: Type.Integer(),
})

/** One limit that the provider tells of a model, as it stands. */
export type ModelWindowStatus = Static<typeof ModelWindowStatus>
export const ModelWindowStatus = Type.Object({
  model: Type.String(),
  period: Period,
  metric: Metric,
  limit: Type.Integer(),
  /** Charged for the model in the window, open reservations included. */
  used: Type.Integer(),
  /** Less than the rest of the limit where the provider says so, as others use the account too. */
  remaining: Type.Integer(),
  /** Until the window is empty, if nothing more is charged. */
  resetMs: Type.Integer(),
})

/** Use that is counted since the store lost charges and it is unknown what they were. Part of `used`. */
export type AssumedUseStatus = Static<typeof AssumedUseStatus>
export const AssumedUseStatus = Type.Object({
  period: Period,
  metric: Metric,
  amount: Type.Integer(),
  /** Until it stops counting. */
  remainingMs: Type.Integer(),
})

/** A pause that the provider asked for. */
export type CoolDownStatus = Static<typeof CoolDownStatus>
export const CoolDownStatus = Type.Object({
  model: Type.String(),
  /** Of which part of the model's requests; absent: those of its common pool. */
  pool: Type.Optional(Type.String()),
  /** It holds requests back that reserve at least so many tokens; absent: all. */
  minTokens: Type.Optional(Type.Integer()),
  remainingMs: Type.Integer(),
  /** Until a single request is let through to find out whether the provider serves again; absent: not before the end. */
  trialInMs: Type.Optional(Type.Integer()),
})

export type CapacityStatus = Static<typeof CapacityStatus>
export const CapacityStatus = Type.Object({
  connectionId: Type.String(),
  windows: Type.Array(WindowStatus),
  /** Where discovered limits are held: those of every model that was used of late. */
  models: Type.Optional(Type.Array(ModelWindowStatus)),
  cooldowns: Type.Array(CoolDownStatus),
  /** Absent where no charges were lost, or what is assumed in their place has slid out. */
  assumed: Type.Optional(Type.Array(AssumedUseStatus)),
})

/** How a connection's limits stand now. */
export const capacityStatus = defineRequest({
  subject: (connectionId: string) => `capacity.v1.status.${subjectToken(connectionId)}`,
  queue: 'capacity',
  timeoutMs: 2_000,
  askAllAfterMs: 300,
  request: Type.Object({}),
  reply: CapacityStatus,
})
