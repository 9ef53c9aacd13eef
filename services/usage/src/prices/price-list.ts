import { ProviderId } from '@sluice/contracts'
import { type Static, Type } from 'typebox'

/** The price of a model's tokens, in USD for a million. */
export type ModelPrice = Static<typeof ModelPrice>
export const ModelPrice = Type.Object(
  {
    input: Type.Number({ minimum: 0 }),
    /** Input that the provider had cached; as `input` when absent. */
    cachedInput: Type.Optional(Type.Number({ minimum: 0 })),
    /** Input that is written to the provider's cache, for the shortest time it may be kept; as `input` when absent. */
    cacheWriteInput: Type.Optional(Type.Number({ minimum: 0 })),
    output: Type.Number({ minimum: 0 }),
  },
  { additionalProperties: false },
)

/** The prices of one provider. */
const ProviderPrices = Type.Object(
  {
    /** Where the provider publishes them. */
    source: Type.String({ pattern: '^https://', errorMessage: 'must be a URL that begins with https://' }),
    /** Prefixes of a model's name that do not change its price. */
    ignoredPrefixes: Type.Optional(Type.Array(Type.String({ minLength: 1 }))),
    /** By model name, without a version's date. */
    models: Type.Record(Type.String({ minLength: 1 }), ModelPrice),
  },
  { additionalProperties: false },
)

/** Estimated prices: list prices for standard service, without discounts, batches, or surcharges for long prompts. */
export type PriceList = Static<typeof PriceList>
export const PriceList = Type.Object(
  {
    /** The day on which the prices were looked up. */
    asOf: Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}$', errorMessage: 'must be a day, such as 2026-01-31' }),
    providers: Type.Partial(Type.Record(ProviderId, ProviderPrices)),
  },
  { additionalProperties: false },
)

/**
 * The price of a model: that of the longest listed name that it begins with, as long as all that follows is a version
 * (`-2025-08-07`, `-20250929-v1:0`, `-latest`). A variant that is not listed has no price, since variants differ by
 * factors.
 */
export function priceOf(prices: PriceList, provider: string, model: string): ModelPrice | undefined {
  const listed = new Map(Object.entries(prices.providers)).get(provider)
  if (listed === undefined) return undefined
  const ignored = listed.ignoredPrefixes?.find((prefix) => model.startsWith(prefix)) ?? ''
  const name = model.slice(ignored.length)
  let longest = ''
  for (const candidate of Object.keys(listed.models)) {
    if (candidate.length > longest.length && name.startsWith(candidate)) longest = candidate
  }
  return VERSION.test(name.slice(longest.length)) ? listed.models[longest] : undefined
}

/**
 * Returns the cost of `inputTokens`, of which some were read from the provider's cache and others written to it, and
 * `outputTokens`, in USD.
 */
export function costUsd(
  price: ModelPrice,
  tokens: {
    readonly inputTokens: number
    readonly cachedInputTokens: number
    readonly cacheWriteInputTokens: number
    readonly outputTokens: number
  },
): number {
  const cached = Math.min(tokens.cachedInputTokens, tokens.inputTokens)
  const written = Math.min(tokens.cacheWriteInputTokens, tokens.inputTokens - cached)
  const millionths =
    (tokens.inputTokens - cached - written) * price.input +
    cached * (price.cachedInput ?? price.input) +
    written * (price.cacheWriteInput ?? price.input) +
    tokens.outputTokens * price.output
  return millionths / 1_000_000
}

/**
 * Dates, three or four digits, `v1:0`, `latest`, each after a separator. A single digit is another model:
 * `claude-opus-4-1`.
 */
const VERSION = /^(?:[-@:](?:\d{4}-\d{2}-\d{2}|\d{8}|\d{3,4}|v\d+(?::\d+)?|latest))*$/
