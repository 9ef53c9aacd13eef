import { type Static, Type } from 'typebox'

export type Period = Static<typeof Period>
export const Period = Type.Union([Type.Literal('minute'), Type.Literal('hour'), Type.Literal('day')])

/** What is counted and can be limited: costs, windows, limits, figures and headers all go by {@link METRICS}. */
export type Metric = Static<typeof Metric>
export const Metric = Type.Union([
  Type.Literal('requests'),
  Type.Literal('tokens'),
  Type.Literal('inputTokens'),
  Type.Literal('outputTokens'),
])

/** The parts of `tokens` that a cost may tell apart. */
export const SPLIT_METRICS = ['inputTokens', 'outputTokens'] as const satisfies readonly Metric[]
export type SplitMetric = (typeof SPLIT_METRICS)[number]

export const METRICS: readonly Metric[] = ['requests', 'tokens', ...SPLIT_METRICS]

const Limit = Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000_000_000 }))

/** The length of each period in milliseconds. */
export const PERIOD_MS: Readonly<Record<Period, number>> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 }

/**
 * What a connection may use in one period. A metric that is absent is not limited. `tokens` are input and output together; each part may be
 * limited beside or instead of their sum.
 */
export type CapacityLimit = Static<typeof CapacityLimit>
export const CapacityLimit = Type.Object(
  {
    period: Period,
    requests: Limit,
    tokens: Limit,
    inputTokens: Limit,
    outputTokens: Limit,
    enabled: Type.Optional(Type.Boolean({ default: true })),
  },
  { additionalProperties: false },
)
