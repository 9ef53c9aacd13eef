import type { TokenUsage } from '@sluice/contracts'
import { isRecord } from '../wire/is-record.ts'
import { findLastMember } from '../wire/json-member.ts'
import { parseJson } from '../wire/parse-json.ts'
import { tokenCount } from '../wire/token-count.ts'

/** Counts that one message of an answer reports, in whichever provider's words. Absent means not reported. */
export interface AnyUsage {
  readonly inputTokens?: number | undefined
  readonly outputTokens?: number | undefined
  readonly cachedInputTokens?: number | undefined
  readonly reasoningTokens?: number | undefined
}

/**
 * Finds the usage in a JSON document, or in its tail: OpenAI's and Anthropic's `usage`, also of a response or message within an
 * event; Google's `usageMetadata`; Cohere's `meta`. Undefined where there is none. Never throws.
 */
export function findAnyUsage(json: Buffer): AnyUsage | undefined {
  for (const { name, depth } of PLACES) {
    const member = findLastMember(json, name, depth)
    const usage = member && readAnyUsage(parseJson(json.subarray(member.valueStart, member.end)))
    if (usage !== undefined) return usage
  }
  return undefined
}

/** The likeliest first. */
const PLACES = [
  { name: 'usage', depth: 1 },
  { name: 'usageMetadata', depth: 1 },
  { name: 'usage', depth: 2 },
  { name: 'usage_metadata', depth: 1 },
  { name: 'tokens', depth: 2 },
  { name: 'billed_units', depth: 2 },
] as const

function readAnyUsage(usage: unknown): AnyUsage | undefined {
  if (!isRecord(usage)) return undefined
  const first = (...names: readonly string[]) => countIn(usage, names)
  const total = first('total_tokens', 'totalTokens', 'totalTokenCount', 'total_token_count')
  const output = first('completion_tokens', 'output_tokens', 'outputTokens')
  const candidates = first('candidatesTokenCount', 'candidates_token_count')
  const thoughts = first('thoughtsTokenCount', 'thoughts_token_count') ?? 0
  const outputTokens = output ?? (candidates === undefined ? undefined : candidates + thoughts)
  const prompt = first('prompt_tokens', 'input_tokens', 'inputTokens', 'promptTokenCount', 'prompt_token_count')
  // Anthropic does not count as input what its cache had a part in.
  const cacheRead = first('cache_read_input_tokens')
  const besides = (cacheRead ?? 0) + (first('cache_creation_input_tokens') ?? 0)
  const rest = total === undefined ? undefined : Math.max(0, total - (outputTokens ?? 0))
  const inputTokens = prompt === undefined ? rest : prompt + besides
  if (inputTokens === undefined && outputTokens === undefined) return undefined
  return {
    inputTokens,
    outputTokens,
    cachedInputTokens: cacheRead ?? first('cachedContentTokenCount') ?? detail(usage, INPUT_DETAILS, 'cached_tokens'),
    reasoningTokens: thoughts || detail(usage, OUTPUT_DETAILS, 'reasoning_tokens'),
  }
}

/** `later` where it reports: counts are of the whole answer so far. */
export function mergeAnyUsage(earlier: AnyUsage | undefined, later: AnyUsage): AnyUsage {
  return {
    inputTokens: later.inputTokens ?? earlier?.inputTokens,
    outputTokens: later.outputTokens ?? earlier?.outputTokens,
    cachedInputTokens: later.cachedInputTokens ?? earlier?.cachedInputTokens,
    reasoningTokens: later.reasoningTokens ?? earlier?.reasoningTokens,
  }
}

/** Undefined unless the input is reported: without it, nothing can be settled exactly. */
export function wholeUsage(usage: AnyUsage | undefined): TokenUsage | undefined {
  if (usage?.inputTokens === undefined) return undefined
  const { inputTokens, outputTokens = 0, cachedInputTokens = 0, reasoningTokens = 0 } = usage
  return { inputTokens, outputTokens, cachedInputTokens, reasoningTokens }
}

const INPUT_DETAILS = ['prompt_tokens_details', 'input_tokens_details'] as const
const OUTPUT_DETAILS = ['completion_tokens_details', 'output_tokens_details'] as const

function countIn(usage: Readonly<Record<string, unknown>>, names: readonly string[]): number | undefined {
  for (const name of names) {
    const count = tokenCount(usage[name])
    if (count !== undefined) return count
  }
  return undefined
}

function detail(
  usage: Readonly<Record<string, unknown>>,
  holders: readonly string[],
  name: string,
): number | undefined {
  for (const holder of holders) {
    const details = usage[holder]
    const count = isRecord(details) ? tokenCount(details[name]) : undefined
    if (count !== undefined) return count
  }
  return undefined
}
