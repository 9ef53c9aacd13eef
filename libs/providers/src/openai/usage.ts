import { findUsage, type JsonEnds } from '../wire/find-usage.ts'
import { isRecord } from '../wire/is-record.ts'
import { highest, highestCounts, type ReportedUsage } from '../wire/reported-usage.ts'
import { countsWithin, tokenCount } from '../wire/token-count.ts'

/**
 * How deep a `usage` may stand, the likeliest first: in the document; in `x_groq`, or the `response` of an event; in a choice, as
 * Moonshot has it.
 */
export const OPENAI_USAGE_DEPTHS = [1, 2, 3] as const

/**
 * Reads the `usage` object of chat, completions and embeddings (`prompt_tokens`) or of responses, images and transcriptions
 * (`input_tokens`), and what servers that speak OpenAI's API make of it. Undefined where it has no count, such as a transcription's
 * that is in seconds.
 * @see https://platform.openai.com/docs/api-reference/chat/object#chat-object-usage
 * @see https://docs.x.ai/docs/guides/reasoning on reasoning beside the completion's tokens
 * @see https://api-docs.deepseek.com/guides/kv_cache on `prompt_cache_hit_tokens`
 */
export function readOpenAiUsage(usage: unknown): ReportedUsage | undefined {
  if (!isRecord(usage)) return undefined
  const inputTokens = highest(tokenCount(usage.prompt_tokens), tokenCount(usage.input_tokens))
  const outputTokens = highest(tokenCount(usage.completion_tokens), tokenCount(usage.output_tokens))
  const totalTokens = tokenCount(usage.total_tokens)
  if (inputTokens === undefined && outputTokens === undefined && totalTokens === undefined) return undefined
  const inputDetails = usage.prompt_tokens_details ?? usage.input_tokens_details
  return {
    inputTokens: withAudio(usage, inputTokens, outputTokens, totalTokens),
    outputTokens,
    totalTokens,
    cachedInputTokens: highest(
      detail(inputDetails, 'cached_tokens'),
      tokenCount(usage.prompt_cache_hit_tokens),
      tokenCount(usage.cached_tokens),
      tokenCount(usage.cache_read_input_tokens),
    ),
    cacheWriteInputTokens: highest(
      detail(inputDetails, 'cache_write_tokens'),
      detail(inputDetails, 'cache_creation_tokens'),
      tokenCount(usage.cache_creation_input_tokens),
    ),
    reasoningTokens: highest(
      detail(usage.completion_tokens_details ?? usage.output_tokens_details, 'reasoning_tokens'),
      tokenCount(usage.reasoning_tokens),
    ),
    addedInputs: addedInputsOf(usage),
  }
}

/** Finds the usage in a JSON document, or in what is kept of it. */
export function findOpenAiUsage(json: JsonEnds): ReportedUsage | undefined {
  const usage = findUsage(json, 'usage', OPENAI_USAGE_DEPTHS, readOpenAiUsage)
  if (usage === undefined) return undefined
  let reported: ReportedUsage = usage
  for (const { name, key, read } of BESIDE_USAGE) {
    const addedInputs = json.tail.includes(key) ? findUsage(json, name, [1, 2], read) : undefined
    if (addedInputs !== undefined) reported = highestCounts(reported, { addedInputs })
  }
  return reported
}

/**
 * How often the server's own tools were used: OpenRouter's and Anthropic's, xAI's, Perplexity's, and tokens of Mistral's connectors.
 * @see https://openrouter.ai/docs/api-reference/overview on `server_tool_use`
 * @see https://docs.x.ai/docs/guides/tools/overview
 */
function addedInputsOf(usage: Readonly<Record<string, unknown>>): number | undefined {
  return highest(
    countsWithin(usage.server_tool_use),
    countsWithin(usage.server_tool_use_details),
    countsWithin(usage.server_side_tool_usage_details),
    tokenCount(usage.num_server_side_tools_used),
    tokenCount(usage.num_sources_used),
    tokenCount(usage.num_search_queries),
    tokenCount(usage.citation_tokens),
    tokenCount(usage.connector_tokens),
  )
}

/** Members beside the usage that say what of it the response's own tools and models had: OpenAI's, and Groq's compound systems'. */
const BESIDE_USAGE = [
  { name: 'tool_usage', key: '"tool_usage"', read: searchesOf },
  { name: 'usage_breakdown', key: '"usage_breakdown"', read: modelRunsOf },
] as const

function searchesOf(tools: unknown): number | undefined {
  return isRecord(tools) && isRecord(tools.web_search) ? tokenCount(tools.web_search.num_requests) : undefined
}

/** Of Groq's compound systems each run of a model reads what came before it. */
function modelRunsOf(breakdown: unknown): number | undefined {
  const models = isRecord(breakdown) ? breakdown.models : undefined
  return Array.isArray(models) ? models.length : undefined
}

/**
 * Mistral leaves audio out of `prompt_tokens`, but not out of the total: where there was some, the total's rest is input.
 * @see https://docs.mistral.ai/capabilities/audio/
 */
function withAudio(
  usage: Readonly<Record<string, unknown>>,
  inputTokens: number | undefined,
  outputTokens = 0,
  totalTokens = 0,
): number | undefined {
  const audioSeconds = tokenCount(usage.prompt_audio_seconds)
  return audioSeconds === undefined || audioSeconds === 0
    ? inputTokens
    : highest(inputTokens, totalTokens - outputTokens)
}

function detail(details: unknown, name: string): number | undefined {
  return isRecord(details) ? tokenCount(details[name]) : undefined
}
