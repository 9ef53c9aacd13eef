import type { TokenUsage } from '@sluice/contracts'
import { arrayOf, countsWithin, isRecord, tokenCount } from '../wire/json.ts'
import { findUsage, type JsonEnds } from '../wire/json-tail.ts'
import { type Counts, highest, highestCounts, type ReportedUsage, wholeUsage } from '../wire/reported-usage.ts'

/**
 * Counts in Anthropic's terms: `inputTokens` excludes what was read from or written to the cache. Anthropic reports no
 * total; Bedrock and other servers with Anthropic's API do.
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

/** The counts of a `usage` object that has at least one. */
export interface ClaudeUsage extends ClaudeCounts {
  /** Usage of auxiliary model calls, such as compactions and advisors, which the other counts exclude. */
  readonly auxiliary?: ClaudeCounts | undefined
}

/** Adds what `context_management` reports to the usage of a message that is not streamed. */
export function withContextEdits(json: JsonEnds, usage: ClaudeUsage | undefined): ClaudeUsage | undefined {
  if (usage === undefined || !json.tail.includes('"applied_edits"')) return usage
  const edits = findUsage(json, 'context_management', [1], readContextEdits)
  return edits === undefined ? usage : mergeClaudeUsage(usage, edits)
}

/** Reads a message's `usage`; undefined where it is not one. */
export function readClaudeUsage(usage: unknown): ClaudeUsage | undefined {
  if (!isRecord(usage)) return undefined
  const { messages, auxiliary } = readIterations(usage.iterations)
  const own = { ...readCounts(usage), addedInputs: addedInputsOf(usage) }
  const counts = knownUsage(messages === undefined ? own : highestCounts(messages, own))
  return counts === undefined || auxiliary === undefined ? counts : { ...counts, auxiliary }
}

/** Returns the usage; undefined where it has only counts that are parts of others. */
export function knownUsage(usage: ClaudeCounts): ClaudeUsage | undefined {
  const { inputTokens, outputTokens, totalTokens } = usage
  return inputTokens === undefined && outputTokens === undefined && totalTokens === undefined ? undefined : usage
}

/**
 * Reads a message's `context_management`: what Anthropic removed from the prompt before the model read it.
 * @see https://platform.claude.com/docs/en/build-with-claude/context-editing
 */
export function readContextEdits(management: unknown): ClaudeUsage | undefined {
  const edits = isRecord(management) ? management.applied_edits : undefined
  return Array.isArray(edits) && edits.length > 0 ? { addedInputs: edits.length } : undefined
}

/** Merges two reports of one response: the higher value of each count. */
export function mergeClaudeUsage(earlier: ClaudeUsage | undefined, later: ClaudeUsage): ClaudeUsage {
  const { auxiliary: auxiliaryEarlier, ...ownEarlier } = earlier ?? {}
  const { auxiliary: auxiliaryLater, ...ownLater } = later
  const own = highestCounts<keyof ClaudeCounts>(ownEarlier, ownLater)
  const auxiliary = auxiliaryLater === undefined ? auxiliaryEarlier : highestCounts(auxiliaryEarlier, auxiliaryLater)
  return auxiliary === undefined ? own : { ...own, auxiliary }
}

/** Adds the usage of two messages that followed each other in one stream. */
export function addClaudeUsage(one: ClaudeUsage | undefined, other: ClaudeUsage | undefined): ClaudeUsage | undefined {
  if (one === undefined || other === undefined) return one ?? other
  const { auxiliary: auxiliaryOne, ...ownOne } = one
  const { auxiliary: auxiliaryOther, ...ownOther } = other
  const auxiliary = addCounts(auxiliaryOne, auxiliaryOther)
  const own = addCounts(ownOne, ownOther)
  // The second message continued from the first one's output, or the prompt was read twice.
  return { ...own, addedInputs: (own?.addedInputs ?? 0) + 1, ...(auxiliary === undefined ? {} : { auxiliary }) }
}

/**
 * Returns the counts in the form common to all providers, whose input includes cached tokens.
 * @see https://docs.claude.com/en/docs/build-with-claude/prompt-caching#tracking-cache-performance
 */
export function reportedClaudeUsage(usage: ClaudeUsage | undefined): ReportedUsage | undefined {
  if (usage === undefined) return undefined
  const { auxiliary, ...own } = usage
  const all = addCounts(own, auxiliary) ?? own
  const { inputTokens, cacheCreationTokens, cacheReadTokens, outputTokens, thinkingTokens } = all
  return {
    // Cache counts alone do not show whether there was other input.
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

/** Returns the complete usage; undefined where input or output is unknown. */
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
 * Sums a message's `iterations`: those of the message itself, which include attempts that another model took over and
 * no other count includes; and auxiliary ones, such as a compaction or an advisor, which are billed and limited like
 * any.
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

/** Counts the runs of Anthropic's own tools, and the iterations unless there was only the message itself. */
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
