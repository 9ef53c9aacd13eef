import type { OutputConfig, ThinkingConfigParam, ToolChoice } from '@anthropic-ai/sdk/resources/messages'
import type { ChatRequest, ReasoningEffort } from '../unified/chat-request.ts'
import type { WithJsonTool } from '../unified/json-tool.ts'
import { refuse } from '../unified/refusal.ts'
import { forcesTool } from '../unified/tools.ts'
import type { Refusal } from '../unified-api.ts'

/**
 * Returns the generation that a Claude's name says, as 405 for Claude 4.5 and 410 for a Claude 4.10; undefined where it says none. Such a
 * model counts as newer than all that are known: aliases and names of the future say nothing that could be compared.
 *
 * Takes the spellings of all platforms: `claude-3-5-haiku-20241022`, `claude-opus-4-1@20250805`, `claude-sonnet-4.5`,
 * `us.anthropic.claude-haiku-4-5-20251001-v1:0`, `claude-instant-v1`.
 * @see https://platform.claude.com/docs/en/about-claude/models/overview
 */
export function claudeGeneration(name: string): number | undefined {
  const [, major, minor = '0'] = FAMILY_FIRST.exec(name) ?? NUMBER_FIRST.exec(name) ?? []
  return major === undefined ? undefined : Number(major) * 100 + Number(minor)
}

/** Whether a Claude is known to be of a generation before this one. @param generation as {@link claudeGeneration} returns it */
export function isClaudeBefore(name: string, generation: number): boolean {
  return (claudeGeneration(name) ?? Number.POSITIVE_INFINITY) < generation
}

/** Dates have eight digits, numbers of generations at most two. */
const FAMILY_FIRST = /(?:^|[^a-z0-9])claude-[a-z]+-v?(\d{1,2})(?:[-.](\d{1,2}))?(?!\d)/i
/** Before Claude 4, the number came before the family's name; before Claude 3, there was none. */
const NUMBER_FIRST = /(?:^|[^a-z0-9])claude-v?(\d{1,2})(?:[-.:](\d{1,2}))?(?!\d)/i

/** What the SDK no longer types, as its version of the API refuses it. */
export interface Sampling {
  readonly temperature?: number
  readonly top_p?: number
}

/**
 * Both are left out where they are 1, which is what happens anyway: newer models refuse every other value, and any of both
 * together.
 */
export function toSampling({ temperature = 1, top_p = 1 }: ChatRequest): Sampling | Refusal {
  if (temperature > 1) return refuse('temperature', 'Anthropic takes a temperature from 0 to 1.')
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

/** The parameters of a message that are about thinking; none where the caller leaves that to the model. */
export interface Reasoning {
  readonly thinking?: ThinkingConfigParam
  readonly effort?: NonNullable<OutputConfig['effort']>
}

/**
 * `reasoning_effort` in Anthropic's words: adaptive thinking of that effort, with its summary shown. Models from before 4.6 know
 * only a budget of tokens: they get a share of the output maximum, which thinking counts towards with all models. A model whose name does
 * not say its generation is taken for the newest.
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
      `The model "${model}" has no reasoning effort "xhigh": it has none, minimal, low, medium, high and max.`,
    )
  }
  return {
    thinking: { type: 'adaptive', display: 'summarized' },
    effort: effort === 'minimal' ? 'low' : effort,
  }
}

/** Generations, as `claudeGeneration` returns them: Claude 3.7 is the first that thinks. */
const FIRST_TO_THINK = 307
const FIRST_ADAPTIVE = 406
const FIRST_WITH_XHIGH = 407

/**
 * Thinking goes with hardly any sampling, and within a budget with no forced tool. Newer models that take no forced tool at all say so
 * themselves.
 * @see https://platform.claude.com/docs/en/build-with-claude/extended-thinking#feature-compatibility
 */
function conflictWithThinking(request: ChatRequest, hasBudget: boolean): Refusal | undefined {
  const { temperature = 1, top_p = 1 } = request
  if (hasBudget && forcesTool(request)) {
    return refuse(
      'tool_choice',
      'Claude before 4.6 cannot think ("reasoning_effort") where "tool_choice" forces a tool call.',
    )
  }
  if (temperature !== 1) {
    return refuse('temperature', 'Anthropic thinks ("reasoning_effort") only at a temperature of 1.')
  }
  return top_p < 0.95
    ? refuse('top_p', 'Anthropic thinks ("reasoning_effort") only with a top_p from 0.95.')
    : undefined
}

/** Where a tool stands for a schema, thinking within a budget would exclude it, which the caller did not ask for by name. */
export function refuseReasoningJson(
  { reasoning_effort: effort = 'none' }: ChatRequest,
  { chat, jsonTool }: WithJsonTool,
  model: string,
): Refusal | undefined {
  if (jsonTool === undefined || effort === 'none' || !forcesTool(chat)) return undefined
  if (!isClaudeBefore(model, FIRST_ADAPTIVE)) return undefined
  return refuse(
    'response_format',
    'This Claude answers by a schema only where it does not think: leave out "reasoning_effort", or use Claude 4.5 or later.',
  )
}

function withBudget(effort: ThinkingEffort, model: string, maxTokens: number): Reasoning | Refusal {
  if (maxTokens <= MIN_BUDGET_TOKENS) {
    return refuse(
      'reasoning_effort',
      `The model "${model}" takes ${MIN_BUDGET_TOKENS} tokens or more to think, which "max_completion_tokens" must exceed; ` +
        `it is ${maxTokens} here.`,
    )
  }
  const budget = Math.max(MIN_BUDGET_TOKENS, Math.floor(maxTokens * BUDGET_SHARES[effort]))
  return { thinking: { type: 'enabled', budget_tokens: budget } }
}

type ThinkingEffort = Exclude<ReasoningEffort, 'none'>

const MIN_BUDGET_TOKENS = 1_024

/** Of the output maximum, which a budget must stay below. */
const BUDGET_SHARES: Readonly<Record<ThinkingEffort, number>> = {
  minimal: 0.1,
  low: 0.2,
  medium: 0.5,
  high: 0.8,
  xhigh: 0.9,
  max: 0.95,
}
