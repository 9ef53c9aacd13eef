import type { TokenUsage } from '@sluice/contracts'
import { readClaudeUsage, reportedClaudeUsage } from '../claude/usage.ts'
import { addGoogleUsage, reportedGoogleUsage } from '../google/usage.ts'
import { errorStatusIn, namedErrorStatus, streamErrorStatus } from '../openai/errors.ts'
import { findAllUsage, ResponseUsage, readOpenAiUsage } from '../openai/usage.ts'
import type { PartialUsage, ResponseReader } from '../provider-adapter.ts'
import { isRecord, parseJson, tokenCount } from '../wire/json.ts'
import { findUsage, type JsonEnds, JsonTailReader } from '../wire/json-tail.ts'
import { mentionsIn } from '../wire/mentions.ts'
import { highest, highestCounts, type ReportedUsage } from '../wire/reported-usage.ts'
import { FirstBytesReader } from '../wire/response-form.ts'
import { eventDataSplitter } from '../wire/sse.ts'
import { StreamedOutput } from '../wire/streamed-output.ts'
import { type UsageMeter, WatchingReader } from '../wire/usage-reader.ts'

/** Returns the reader for one 2xx response to an unknown request: finds the usage in any provider's shape. */
export function unlistedResponseReader(): ResponseReader {
  return new FirstBytesReader(FORMS, true)
}

const FORMS = {
  events: () => new WatchingReader(eventDataSplitter, new AnyMeter()),
  // A response that reports only its input, such as a reranking, has no output.
  json: () => new JsonTailReader({ findUsage: findAnyUsage, withoutOutput: true, errorStatusIn }),
}

/** Reads usage from the events of a stream, whatever they are. */
class AnyMeter implements UsageMeter {
  errorStatus: number | undefined
  readonly #reported = new ResponseUsage(readAnyUsage)
  readonly #output = new StreamedOutput()

  get usage(): TokenUsage | undefined {
    return this.#output.usage(this.#reported.reported)
  }

  get partialUsage(): PartialUsage | undefined {
    return this.#output.partialUsage(this.#reported.reported)
  }

  get outputTokensSeen(): number {
    return this.#output.seenTokens(this.#reported.reported)
  }

  note(data: Buffer, isError = false): void {
    const text = data.toString('latin1')
    const mentions = mentionsIn(text)
    if (mentions.error > 0) this.errorStatus = streamErrorStatus(data, mentions) ?? this.errorStatus
    if (isError) this.errorStatus ??= namedErrorStatus(data)
    const usage = COUNTED.test(text) ? findAnyUsage({ tail: data, text, mentions }) : undefined
    const hasOutput = OUTPUT.test(text)
    // An event brings one token, as in OpenAI's streams; few bring none, and most of those follow the usage.
    if (hasOutput || (usage === undefined && this.#reported.reported === undefined)) this.#output.see(1)
    if (usage === undefined) return
    // Choices are distinguished by the index beside their usage.
    if (text.includes('"choices"')) this.#reported.addDocument(parseJson(data))
    else this.#reported.add(usage)
    if (!BEGINNING.test(text)) this.#output.report(this.#reported.reported, !hasOutput)
  }
}

const OUTPUT = /"(?:delta|text|content|response|parts|token)"/
const COUNTED = /token|usage|count/i
/** The first events of a message or a response, whose output has just begun. */
const BEGINNING = /"type"\s*:\s*"(?:message_start|response\.(?:created|queued|in_progress))"/

/**
 * Finds the usage in a JSON document, or in the kept parts of it, in any provider's shape: OpenAI's and Anthropic's
 * `usage`, also of a response or message inside an event, or of a choice; Google's `usageMetadata`; Cohere's `meta`;
 * the counts of Ollama and llama.cpp beside their output. Undefined where there is none. Never throws.
 */
function findAnyUsage(json: JsonEnds): ReportedUsage | undefined {
  const all = findAllUsage(json, readAnyUsage)
  if (all !== undefined) return all
  for (const { name, depths } of PLACES) {
    const usage = findUsage(json, name, depths, readAnyUsage)
    if (usage !== undefined) return usage
  }
  return findBareCounts(json)
}

/** The most likely first. */
const PLACES = [
  { name: 'usage', depths: [1] },
  { name: 'usageMetadata', depths: [1] },
  { name: 'usage', depths: [2, 3] },
  { name: 'usage_metadata', depths: [1] },
  { name: 'tokens', depths: [2, 3] },
  { name: 'billed_units', depths: [2, 3] },
] as const

/** Reads one object of counts under any provider's names; undefined where it has none. */
function readAnyUsage(usage: unknown): ReportedUsage | undefined {
  if (!isRecord(usage)) return undefined
  // Anthropic's input excludes cached tokens; only its own names show that a usage is Anthropic's.
  if (CLAUDE_NAMES.some((name) => usage[name] !== undefined) && usage.prompt_tokens === undefined) {
    const claude = reportedClaudeUsage(readClaudeUsage(usage))
    if (claude !== undefined) return claude
  }
  const openAi = readOpenAiUsage(usage)
  if (openAi !== undefined) return openAi
  return isGoogles(usage) ? reportedGoogleUsage(addGoogleUsage(undefined, usage)) : readOtherUsage(usage)
}

const CLAUDE_NAMES = ['cache_read_input_tokens', 'cache_creation_input_tokens', 'iterations'] as const

function isGoogles(usage: Readonly<Record<string, unknown>>): boolean {
  return ['promptTokenCount', 'candidatesTokenCount', 'totalTokenCount'].some((name) => usage[name] !== undefined)
}

/** Reads Bedrock's names, and Google's in snake case. */
function readOtherUsage(usage: Readonly<Record<string, unknown>>): ReportedUsage | undefined {
  const candidates = tokenCount(usage.candidates_token_count)
  const thoughts = tokenCount(usage.thoughts_token_count)
  const cached = tokenCount(usage.cacheReadInputTokens)
  const written = tokenCount(usage.cacheWriteInputTokens)
  const input = tokenCount(usage.inputTokens)
  const reported = {
    inputTokens: highest(
      input === undefined ? undefined : input + (cached ?? 0) + (written ?? 0),
      tokenCount(usage.prompt_token_count),
    ),
    outputTokens: highest(
      tokenCount(usage.outputTokens),
      candidates === undefined ? thoughts : candidates + (thoughts ?? 0),
    ),
    totalTokens: highest(tokenCount(usage.totalTokens), tokenCount(usage.total_token_count)),
    cachedInputTokens: highest(cached, tokenCount(usage.cached_content_token_count)),
    cacheWriteInputTokens: written,
    reasoningTokens: thoughts,
  }
  const { inputTokens, outputTokens, totalTokens } = reported
  return inputTokens === undefined && outputTokens === undefined && totalTokens === undefined ? undefined : reported
}

/**
 * @see https://github.com/ollama/ollama/blob/main/docs/api.md
 * @see https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md
 */
function findBareCounts(json: JsonEnds): ReportedUsage | undefined {
  let reported: ReportedUsage | undefined
  for (const { name, count } of BARE_COUNTS) {
    const tokens = findUsage(json, name, [1], tokenCount)
    if (tokens !== undefined) reported = highestCounts(reported, { [count]: tokens })
  }
  return reported
}

const BARE_COUNTS = [
  { name: 'prompt_eval_count', count: 'inputTokens' },
  { name: 'eval_count', count: 'outputTokens' },
  { name: 'tokens_evaluated', count: 'inputTokens' },
  { name: 'tokens_predicted', count: 'outputTokens' },
] as const
