import type { TokenUsage } from '@sluice/contracts'
import { arrayOf, countsWithin, isRecord, tokenCount } from '../wire/json.ts'
import { findUsage, type JsonEnds } from '../wire/json-tail.ts'
import { type Counts, highest, highestCounts, type ReportedUsage, wholeUsage } from '../wire/reported-usage.ts'

/**
 * Counts as Anthropic has them: input that the cache had a part in is not in `inputTokens`. It has no total; Bedrock and servers that speak
 * Anthropic's API have one.
 */
type ClaudeCounts = Counts<
  | 'inputTokens'
  | 'cacheCreationTokens'
  | 'cacheReadTokens'
  | 'outputTokens'
  | 'thinkingTokens'
  | 'totalTokens'
  | 'addedInputs'
>

/** What a `usage` object reports that has at least one count of its own. */
export interface ClaudeUsage extends ClaudeCounts {
  /** Of what ran beside the message: compactions, advisors. No part of the other counts. */
  readonly auxiliary?: ClaudeCounts | undefined
}

/** Adds to the usage of a message that is not streamed what its `context_management` reports. */
export function withContextEdits(json: JsonEnds, usage: ClaudeUsage | undefined): ClaudeUsage | undefined {
  if (usage === undefined || !json.tail.includes('"applied_edits"')) return usage
  const edits = findUsage(json, 'context_management', [1], readContextEdits)
  return edits === undefined ? usage : mergeClaudeUsage(usage, edits)
}

/** Undefined where `usage` is nothing of the kind. */
export function readClaudeUsage(usage: unknown): ClaudeUsage | undefined {
  if (!isRecord(usage)) return undefined
  const { messages, auxiliary } = readIterations(usage.iterations)
  const own = { ...readCounts(usage), addedInputs: addedInputsOf(usage) }
  const counts = knownUsage(messages === undefined ? own : highestCounts(messages, own))
  return counts === undefined || auxiliary === undefined ? counts : { ...counts, auxiliary }
}

/** Undefined where none of the counts tells anything by itself. */
export function knownUsage(usage: ClaudeCounts): ClaudeUsage | undefined {
  const { inputTokens, outputTokens, totalTokens } = usage
  return inputTokens === undefined && outputTokens === undefined && totalTokens === undefined ? undefined : usage
}

/**
 * Reads the `context_management` of a message: what Anthropic took out of the prompt before the model saw it.
 * @see https://platform.claude.com/docs/en/build-with-claude/context-editing
 */
export function readContextEdits(management: unknown): ClaudeUsage | undefined {
  const edits = isRecord(management) ? management.applied_edits : undefined
  return Array.isArray(edits) && edits.length > 0 ? { addedInputs: edits.length } : undefined
}

/** Merges what two messages of one response report: of each count the highest holds. */
export function mergeClaudeUsage(earlier: ClaudeUsage | undefined, later: ClaudeUsage): ClaudeUsage {
  const { auxiliary: auxiliaryEarlier, ...ownEarlier } = earlier ?? {}
  const { auxiliary: auxiliaryLater, ...ownLater } = later
  const own = highestCounts<keyof ClaudeCounts>(ownEarlier, ownLater)
  const auxiliary = auxiliaryLater === undefined ? auxiliaryEarlier : highestCounts(auxiliaryEarlier, auxiliaryLater)
  return auxiliary === undefined ? own : { ...own, auxiliary }
}

/** Adds what two messages report of which one followed the other in the same stream. */
export function addClaudeUsage(one: ClaudeUsage | undefined, other: ClaudeUsage | undefined): ClaudeUsage | undefined {
  if (one === undefined || other === undefined) return one ?? other
  const { auxiliary: auxiliaryOne, ...ownOne } = one
  const { auxiliary: auxiliaryOther, ...ownOther } = other
  const auxiliary = addCounts(auxiliaryOne, auxiliaryOther)
  const own = addCounts(ownOne, ownOther)
  // The second began with what the first had put out, or the prompt was read twice.
  return { ...own, addedInputs: (own?.addedInputs ?? 0) + 1, ...(auxiliary === undefined ? {} : { auxiliary }) }
}

/**
 * Says the counts as all providers' are said: with all input in the input.
 * @see https://docs.claude.com/en/docs/build-with-claude/prompt-caching#tracking-cache-performance
 */
export function reportedClaudeUsage(usage: ClaudeUsage | undefined): ReportedUsage | undefined {
  if (usage === undefined) return undefined
  const { auxiliary, ...own } = usage
  const all = addCounts(own, auxiliary) ?? own
  const { inputTokens, cacheCreationTokens, cacheReadTokens, outputTokens, thinkingTokens } = all
  return {
    // Whether there was other input, a cache's counts do not tell.
    inputTokens:
      own.inputTokens === undefined || inputTokens === undefined
        ? undefined
        : inputTokens + (cacheCreationTokens ?? 0) + (cacheReadTokens ?? 0),
    outputTokens,
    totalTokens: own.totalTokens,
    cachedInputTokens: cacheReadTokens,
    cacheWriteInputTokens: cacheCreationTokens,
    reasoningTokens: thinkingTokens,
    addedInputs: own.addedInputs,
  }
}

/** Undefined where input or output is not known. */
export function totalUsage(usage: ClaudeUsage | undefined): TokenUsage | undefined {
  return wholeUsage(reportedClaudeUsage(usage))
}

function readCounts(usage: Readonly<Record<string, unknown>>): ClaudeCounts {
  const { output_tokens_details: details, cache_creation: byAge } = usage
  return {
    inputTokens: tokenCount(usage.input_tokens),
    cacheCreationTokens: highest(tokenCount(usage.cache_creation_input_tokens), countsWithin(byAge)),
    cacheReadTokens: tokenCount(usage.cache_read_input_tokens),
    outputTokens: tokenCount(usage.output_tokens),
    thinkingTokens: isRecord(details) ? tokenCount(details.thinking_tokens) : undefined,
    totalTokens: tokenCount(usage.total_tokens),
  }
}

/**
 * Adds up the `iterations` of a message: those of the message itself, whose first tries that another model took over from are in no other
 * count, and those beside it, as of a compaction or an advisor, which are billed and limited like any.
 * @see https://platform.claude.com/docs/en/build-with-claude/compaction#understanding-usage
 */
function readIterations(iterations: unknown): {
  readonly messages: ClaudeCounts | undefined
  readonly auxiliary: ClaudeCounts | undefined
} {
  let messages: ClaudeCounts | undefined
  let auxiliary: ClaudeCounts | undefined
  for (const iteration of arrayOf(iterations)) {
    if (!isRecord(iteration)) continue
    if (OF_THE_MESSAGE.has(iteration.type)) messages = addCounts(messages, readCounts(iteration))
    else auxiliary = addCounts(auxiliary, readCounts(iteration))
  }
  return { messages, auxiliary }
}

/** How often Anthropic's own tools ran, and how many iterations there were besides the message's only one. */
function addedInputsOf({ server_tool_use: tools, iterations }: Readonly<Record<string, unknown>>): number | undefined {
  const uses = countsWithin(tools)
  if (!Array.isArray(iterations) || iterations.length === 0) return uses
  const [first] = iterations
  const isPlain = iterations.length === 1 && isRecord(first) && first.type === 'message'
  return isPlain ? uses : (uses ?? 0) + iterations.length
}

const OF_THE_MESSAGE: ReadonlySet<unknown> = new Set(['message', 'fallback_message'])

function addCounts(one: ClaudeCounts | undefined, other: ClaudeCounts | undefined): ClaudeCounts | undefined {
  if (one === undefined || other === undefined) return one ?? other
  const sums: { -readonly [Name in keyof ClaudeCounts]: number | undefined } = { ...one }
  for (const name of COUNTS) {
    const added = other[name]
    if (added !== undefined) sums[name] = (sums[name] ?? 0) + added
  }
  return sums
}

const COUNTS = [
  'inputTokens',
  'cacheCreationTokens',
  'cacheReadTokens',
  'outputTokens',
  'thinkingTokens',
  'totalTokens',
  'addedInputs',
] as const
