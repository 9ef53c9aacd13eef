import { type Static, Type } from 'typebox'

/** At most `limit` units in a `period`, as a token bucket: full at first, refilled evenly. */
export const Limit = Type.Object(
  {
    limit: Type.Integer({ minimum: 1 }),
    period: Type.Union([Type.Literal('minute'), Type.Literal('hour'), Type.Literal('day')]),
  },
  { additionalProperties: false },
)
export type Limit = Static<typeof Limit>

/** What one account may use of one model. A metric that is absent has no limit, and no headers. */
export const Limits = Type.Object(
  {
    requests: Type.Optional(Limit),
    /** Input and output together. */
    tokens: Type.Optional(Limit),
    inputTokens: Type.Optional(Limit),
    outputTokens: Type.Optional(Limit),
  },
  { additionalProperties: false },
)
export type Limits = Static<typeof Limits>

export type Metric = keyof Limits

export const METRICS: readonly Metric[] = ['requests', 'tokens', 'inputTokens', 'outputTokens']

export const PERIOD_MS = { minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const satisfies Record<
  Limit['period'],
  number
>
