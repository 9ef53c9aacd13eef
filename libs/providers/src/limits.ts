import type { TokenUsage } from '@sluice/contracts'

/** Tokens as a provider counts them against its own limits: not always what was used, nor what is billed. */
export interface LimitedTokens {
  /** Toward limits of input and output together. */
  readonly tokens: number
  readonly inputTokens: number
  readonly outputTokens: number
}

/** The expected use of a request, before it is sent. All are whole numbers. */
export interface ExpectedTokens {
  readonly inputTokens: number
  /** The part of `inputTokens` that is expected to be read from the provider's prompt cache. */
  readonly cachedInputTokens: number
  /** The most output that is reserved: what the request states, or else a guess. */
  readonly maxOutputTokens: number
  /** The output that is expected, at most `maxOutputTokens`. */
  readonly outputTokens: number
}

/** A provider's way of counting tokens against its own limits. */
export interface LimitCounting {
  /** Returns what the provider has counted once it has reported `usage`. */
  counted(usage: Pick<TokenUsage, 'inputTokens' | 'cachedInputTokens' | 'outputTokens'>, model: string): LimitedTokens
  /** Returns what to hold against the provider's limits before the request is sent. */
  expected(request: ExpectedTokens, model: string): LimitedTokens
  /**
   * Returns how much of what is expected the provider counts in any case. Where that is less, a request which seems
   * larger than a whole limit may yet pass, and the provider decides.
   */
  leastCounted(expected: LimitedTokens, metric: keyof LimitedTokens): number
}

/**
 * Counts what is used, cached or not, and holds the output maximum from the beginning.
 *
 * OpenAI: caching does not affect rate limits (https://platform.openai.com/docs/guides/prompt-caching), and a request
 * counts with its output maximum or its prompt, whichever is larger
 * (https://platform.openai.com/docs/guides/rate-limits): the sum is held, as both may be used, but it alone is no
 * reason to refuse. Google documents limits of input tokens and no exception for cached ones
 * (https://ai.google.dev/gemini-api/docs/rate-limits).
 */
export const COUNTS_ALL: LimitCounting = {
  counted: ({ inputTokens, outputTokens }) => limitedTokens(inputTokens, outputTokens),
  expected: ({ inputTokens, maxOutputTokens }) => limitedTokens(inputTokens, maxOutputTokens),
  leastCounted: (expected, metric) =>
    metric === 'tokens' ? Math.max(expected.inputTokens, expected.outputTokens) : expected[metric],
}

/** Counts both parts and their sum. */
export function limitedTokens(inputTokens: number, outputTokens: number): LimitedTokens {
  return { tokens: inputTokens + outputTokens, inputTokens, outputTokens }
}

/** Returns the input that was not read from the cache. */
export function uncached({
  inputTokens,
  cachedInputTokens,
}: Pick<TokenUsage, 'inputTokens' | 'cachedInputTokens'>): number {
  return Math.max(0, inputTokens - cachedInputTokens)
}

/** Names a pool of requests with limits of their own by what distinguishes them; '' for the model's common pool. */
export function poolName(...parts: readonly (string | false)[]): string {
  return parts.filter((part) => part !== false && part !== '').join('+')
}

/** Adds a long prompt to a pool's name. @param pool the request's pool by everything else */
export function promptPool(
  pool: string,
  promptTokens: number,
  { longPromptTokens = Number.POSITIVE_INFINITY }: { readonly longPromptTokens?: number },
): string {
  return poolName(pool, promptTokens > longPromptTokens && 'long')
}

/**
 * Returns a service tier's pool; '' for unknown values, because applications could create any number of pools with
 * them.
 */
export function tierPool(tiers: Readonly<Record<string, string>>, tier: unknown): string {
  return typeof tier === 'string' && Object.hasOwn(tiers, tier) ? (tiers[tier] ?? '') : ''
}

/**
 * Returns the pool of requests that run no model: the resource that the path begins with, such as `files` or `batches`.
 */
export function resourcePool(path: string): string {
  const [first = ''] = path.split(/[/?]/).filter((part) => part !== '' && !ROOT.test(part))
  return RESOURCE.test(first) ? first : ''
}

/** Path segments before a resource's name. */
const ROOT = /^(?:v\d[a-z\d]*|openai|upload|download)$/
const RESOURCE = /^[A-Za-z_]{1,32}$/
