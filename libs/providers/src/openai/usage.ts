import { countsWithin, isRecord, parseJson, tokenCount } from '../wire/json.ts'
import { findUsage, type JsonEnds } from '../wire/json-tail.ts'
import { highest, highestCounts, type ReportedUsage, sumOf, sumOfChoices } from '../wire/reported-usage.ts'

/**
 * Depths of a `usage`, the most likely first: in the document; in `x_groq`, or the `response` of an event; in a choice
 * (Moonshot).
 */
const OPENAI_USAGE_DEPTHS = [1, 2, 3] as const

/**
 * Reads the `usage` of chat, completions and embeddings (`prompt_tokens`) or of responses, images and transcriptions
 * (`input_tokens`), in the variants of servers that speak OpenAI's API. Undefined where it has no token count, such as
 * a transcription's in seconds.
 * @see https://platform.openai.com/docs/api-reference/chat/object#chat-object-usage
 * @see https://docs.x.ai/docs/guides/reasoning on reasoning beside the completion's tokens
 * @see https://api-docs.deepseek.com/guides/kv_cache on `prompt_cache_hit_tokens`
 */
export function readOpenAiUsage(usage: unknown): ReportedUsage | undefined {
  if (!isRecord(usage)) return undefined
  const research = readResearchUsage(usage)
  if (research !== undefined) return research
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

/** Finds the usage in a JSON document, or in the kept parts of a long one. */
export function findOpenAiUsage(json: JsonEnds): ReportedUsage | undefined {
  const all = findAllUsage(json, readOpenAiUsage)
  // It includes what stands beside a usage.
  if (all !== undefined) return all
  const usage = findUsage(json, 'usage', OPENAI_USAGE_DEPTHS, readOpenAiUsage)
  if (usage === undefined || json.mentions.besideUsage === 0) return usage
  let reported: ReportedUsage = usage
  for (const { name, read } of BESIDE_USAGE) {
    const addedInputs = findUsage(json, name, [1, 2], read)
    if (addedInputs !== undefined) reported = highestCounts(reported, { addedInputs })
  }
  return reported
}

/** Combines the usage of a document with more than one `usage`; undefined where it has fewer, or is not complete. */
export function findAllUsage(
  { tail, mentions, head }: JsonEnds,
  read: (usage: unknown) => ReportedUsage | undefined,
): ReportedUsage | undefined {
  if (head !== undefined || mentions.usage < 2) return undefined
  const usage = new ResponseUsage(read)
  usage.addDocument(parseJson(tail))
  return usage.reported
}

/**
 * Combines the usage that a response reports, in one document or in many events: for the response, the highest value of
 * each count; for its choices, the sum of their outputs. A server that has both reports the same twice.
 */
export class ResponseUsage {
  readonly #read: (usage: unknown) => ReportedUsage | undefined
  #ofResponse: ReportedUsage | undefined
  #ofChoices: Map<number, ReportedUsage> | undefined
  /** From members beside a usage. */
  #addedInputs: number | undefined

  constructor(read: (usage: unknown) => ReportedUsage | undefined = readOpenAiUsage) {
    this.#read = read
  }

  get reported(): ReportedUsage | undefined {
    const ofChoices = this.#ofChoices && sumOfChoices(this.#ofChoices.values())
    const usage = ofChoices === undefined ? this.#ofResponse : highestCounts(this.#ofResponse, ofChoices)
    const addedInputs = this.#addedInputs
    return usage === undefined || addedInputs === undefined ? usage : highestCounts(usage, { addedInputs })
  }

  add(usage: ReportedUsage | undefined): void {
    if (usage !== undefined) this.#ofResponse = highestCounts(this.#ofResponse, usage)
  }

  /** Adds what a document reports: itself, in a member such as `x_groq` or `response`, and in each of its choices. */
  addDocument(document: unknown): void {
    if (!isRecord(document)) return
    this.#addHolder(document)
    for (const name in document) {
      const member = document[name]
      if (name === 'choices' && Array.isArray(member)) this.#addChoices(member)
      else if (name !== 'usage' && isRecord(member)) this.#addHolder(member)
    }
  }

  #addHolder(holder: Readonly<Record<string, unknown>>): void {
    this.add(this.#read(holder.usage))
    for (const { name, read } of BESIDE_USAGE) {
      this.#addedInputs = highest(this.#addedInputs, read(holder[name]))
    }
  }

  #addChoices(choices: readonly unknown[]): void {
    for (const [at, choice] of choices.entries()) {
      if (!isRecord(choice)) continue
      const usage = this.#read(choice.usage)
      if (usage === undefined) continue
      this.#ofChoices ??= new Map()
      const index = tokenCount(choice.index) ?? at
      const earlier = this.#ofChoices.get(index)
      if (earlier !== undefined || this.#ofChoices.size < MAX_CHOICES) {
        this.#ofChoices.set(index, highestCounts(earlier, usage))
      }
    }
  }
}

/** OpenAI's maximum. */
const MAX_CHOICES = 128

/**
 * Reads the usage of Perplexity's research models, which count sources and reasoning in addition to prompt, completion
 * and total. Undefined for any other.
 * @see https://docs.perplexity.ai/getting-started/models/models/sonar-deep-research
 */
function readResearchUsage(usage: Readonly<Record<string, unknown>>): ReportedUsage | undefined {
  const citationTokens = tokenCount(usage.citation_tokens)
  if (citationTokens === undefined) return undefined
  const reasoningTokens = tokenCount(usage.reasoning_tokens)
  return {
    inputTokens: sumOf(tokenCount(usage.prompt_tokens), citationTokens),
    outputTokens: sumOf(tokenCount(usage.completion_tokens), reasoningTokens),
    reasoningTokens,
    addedInputs: addedInputsOf(usage),
  }
}

/**
 * Returns how often the server's own tools were used: OpenRouter's and Anthropic's, xAI's, Perplexity's; and tokens of
 * Mistral's connectors.
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

/**
 * Members beside the usage that report the provider's own tools and model runs: OpenAI's, and those of Groq's compound
 * systems.
 */
const BESIDE_USAGE = [
  { name: 'tool_usage', read: searchesOf },
  { name: 'usage_breakdown', read: modelRunsOf },
] as const

function searchesOf(tools: unknown): number | undefined {
  return isRecord(tools) && isRecord(tools.web_search) ? tokenCount(tools.web_search.num_requests) : undefined
}

/** In Groq's compound systems each run of a model reads the output of those before it. */
function modelRunsOf(breakdown: unknown): number | undefined {
  const models = isRecord(breakdown) ? breakdown.models : undefined
  return Array.isArray(models) ? models.length : undefined
}

/**
 * Mistral's `prompt_tokens` do not include audio, but its total does: with audio, the rest of the total is input.
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
