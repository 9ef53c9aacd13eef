import { type Static, Type } from 'typebox'

export type Period = Static<typeof Period>
export const Period = Type.Union([Type.Literal('minute'), Type.Literal('hour'), Type.Literal('day')])

export type Metric = Static<typeof Metric>
export const Metric = Type.Union([Type.Literal('requests'), Type.Literal('tokens')])

/** The length of each period in milliseconds. */
export const PERIOD_MS: Readonly<Record<Period, number>> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 }

/** What a connection may use in one period. A metric that is absent is not limited. */
export type CapacityLimit = Static<typeof CapacityLimit>
export const CapacityLimit = Type.Object(
  {
    period: Period,
    requests: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000_000_000 })),
    tokens: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000_000_000 })),
    enabled: Type.Optional(Type.Boolean({ default: true })),
  },
  { additionalProperties: false },
)
