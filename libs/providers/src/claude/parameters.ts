import type { OutputConfig, ThinkingConfigParam, ToolChoice } from '@anthropic-ai/sdk/resources/messages'
import type { ChatRequest, ReasoningEffort } from '../unified/chat-request.ts'
import type { WithJsonTool } from '../unified/json-tool.ts'
import { refuse } from '../unified/refusal.ts'
import { forcesTool } from '../unified/tools.ts'
import type { Refusal } from '../unified-api.ts'

/**
 * Returns the generation in a Claude model's name: 405 for Claude 4.5, 410 for Claude 4.10. Undefined where the name
 * has none, as aliases and future names may: such a model counts as newer than all known ones.
 *
 * Accepts the spellings of all platforms: `claude-3-5-haiku-20241022`, `claude-opus-4-1@20250805`,
 * `claude-sonnet-4.5`, `us.anthropic.claude-haiku-4-5-20251001-v1:0`, `claude-instant-v1`.
 * @see https://platform.claude.com/docs/en/about-claude/models/overview
 */
export function claudeGeneration(name: string): number | undefined {
  const [, major, minor = '0'] = FAMILY_FIRST.exec(name) ?? NUMBER_FIRST.exec(name) ?? []
  return major === undefined ? undefined : Number(major) * 100 + Number(minor)
}

/**
 * Returns whether a Claude model is known to be older than a generation.
 * @param generation as {@link claudeGeneration} returns it
 */
export function isClaudeBefore(name: string, generation: number): boolean {
  return (claudeGeneration(name) ?? Number.POSITIVE_INFINITY) < generation
}

/** Dates have eight digits, generation numbers at most two. */
const FAMILY_FIRST = /(?:^|[^a-z0-9])claude-[a-z]+-v?(\d{1,2})(?:[-.](\d{1,2}))?(?!\d)/i
/** Before Claude 4 the number preceded the family name; before Claude 3 there was no family name. */
const NUMBER_FIRST = /(?:^|[^a-z0-9])claude-v?(\d{1,2})(?:[-.:](\d{1,2}))?(?!\d)/i

/** Parameters that the SDK no longer types, because its API version refuses them. */
export interface Sampling {
  readonly temperature?: number
  readonly top_p?: number
}

/**
 * Returns the sampling parameters, without those of 1, the default: newer models refuse other values, and both
 * parameters together.
 */
export function toSampling({ temperature = 1, top_p = 1 }: ChatRequest): Sampling | Refusal {
  if (temperature > 1) return refuse('temperature', 'Anthropic accepts a temperature from 0 to 1.')
  return { ...(temperature === 1 ? {} : { temperature }), ...(top_p === 1 ? {} : { top_p }) }
}

/** Returns the tool choice of a message; undefined for the default. It also carries `parallel_tool_calls`. */
export function toToolChoice({
  tool_choice: choice,
  parallel_tool_calls: isParallel,
}: Pick<ChatRequest, 'tool_choice' | 'parallel_tool_calls'>): ToolChoice | undefined {
  const serial = isParallel === false ? { disable_parallel_tool_use: true } : undefined
  if (typeof choice === 'object') return { type: 'tool', name: choice.function.name, ...serial }
  switch (choice) {
    case 'none':
      return { type: 'none' }
    case 'required':
      return { type: 'any', ...serial }
    default:
      return choice === 'auto' || serial !== undefined ? { type: 'auto', ...serial } : undefined
  }
}

/** A message's parameters for thinking; none where the caller leaves it to the model. */
export interface Reasoning {
  readonly thinking?: ThinkingConfigParam
  readonly effort?: NonNullable<OutputConfig['effort']>
}

/**
 * Translates `reasoning_effort` to adaptive thinking of that effort, with its summary shown. Models before 4.6 have
 * only a token budget: they get a share of the output maximum, which includes thinking with all models. A model
 * without a generation in its name counts as the newest.
 * @param maxTokens the output maximum
 * @see https://platform.claude.com/docs/en/build-with-claude/adaptive-thinking
 * @see https://platform.claude.com/docs/en/build-with-claude/effort
 */
export function toReasoning(request: ChatRequest, model: string, maxTokens: number): Reasoning | Refusal {
  const { reasoning_effort: effort } = request
  if (effort === undefined) return {}
  const cannotThink = isClaudeBefore(model, FIRST_TO_THINK)
  if (effort === 'none') return cannotThink ? {} : { thinking: { type: 'disabled' } }
  if (cannotThink) return refuse('reasoning_effort', `The model "${model}" does not reason.`)
  const hasBudget = isClaudeBefore(model, FIRST_ADAPTIVE)
  const conflict = conflictWithThinking(request, hasBudget)
  if (conflict !== undefined) return conflict
  if (hasBudget) return withBudget(effort, model, maxTokens)
  if (effort === 'xhigh' && isClaudeBefore(model, FIRST_WITH_XHIGH)) {
    return refuse(
      'reasoning_effort',
      `The model "${model}" has no reasoning effort "xhigh", only none, minimal, low, medium, high and max.`,
    )
  }
  return {
    thinking: { type: 'adaptive', display: 'summarized' },
    effort: effort === 'minimal' ? 'low' : effort,
  }
}

/** Generations as `claudeGeneration` returns them: Claude 3.7 was the first to think. */
const FIRST_TO_THINK = 307
const FIRST_ADAPTIVE = 406
const FIRST_WITH_XHIGH = 407

/**
 * Refuses what thinking excludes: most sampling and, with a budget, a forced tool call. Newer models that accept no
 * forced tool call at all return an error of their own.
 * @see https://platform.claude.com/docs/en/build-with-claude/extended-thinking#feature-compatibility
 */
function conflictWithThinking(request: ChatRequest, hasBudget: boolean): Refusal | undefined {
  const { temperature = 1, top_p = 1 } = request
  if (hasBudget && forcesTool(request)) {
    return refuse(
      'tool_choice',
      'Claude models before 4.6 cannot reason ("reasoning_effort") while "tool_choice" forces a tool call.',
    )
  }
  if (temperature !== 1) {
    return refuse('temperature', 'Claude reasons ("reasoning_effort") only with a temperature of 1.')
  }
  return top_p < 0.95
    ? refuse('top_p', 'Claude reasons ("reasoning_effort") only with a top_p of 0.95 or more.')
    : undefined
}

/**
 * Refuses thinking with a budget where the schema becomes a forced tool call. The caller set no `tool_choice`, so the
 * message names the schema.
 */
export function refuseReasoningJson(
  { reasoning_effort: effort = 'none' }: ChatRequest,
  { chat, jsonTool }: WithJsonTool,
  model: string,
): Refusal | undefined {
  if (jsonTool === undefined || effort === 'none' || !forcesTool(chat)) return undefined
  if (!isClaudeBefore(model, FIRST_ADAPTIVE)) return undefined
  return refuse(
    'response_format',
    'This Claude model follows a schema only without reasoning: omit "reasoning_effort", or use Claude 4.5 or later.',
  )
}

function withBudget(effort: ThinkingEffort, model: string, maxTokens: number): Reasoning | Refusal {
  if (maxTokens <= MIN_BUDGET_TOKENS) {
    return refuse(
      'reasoning_effort',
      `The model "${model}" needs at least ${MIN_BUDGET_TOKENS} tokens to reason: "max_completion_tokens" must be larger; ` +
        `it is ${maxTokens}.`,
    )
  }
  const budget = Math.max(MIN_BUDGET_TOKENS, Math.floor(maxTokens * BUDGET_SHARES[effort]))
  return { thinking: { type: 'enabled', budget_tokens: budget } }
}

type ThinkingEffort = Exclude<ReasoningEffort, 'none'>

const MIN_BUDGET_TOKENS = 1_024

/** Shares of the output maximum; a budget must be smaller than the maximum. */
const BUDGET_SHARES: Readonly<Record<ThinkingEffort, number>> = {
  minimal: 0.1,
  low: 0.2,
  medium: 0.5,
  high: 0.8,
  xhigh: 0.9,
  max: 0.95,
}
