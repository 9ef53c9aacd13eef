import type { OutputConfig, ThinkingConfigParam } from '@anthropic-ai/sdk/resources/messages'
import type { ChatRequest, ReasoningEffort } from '../unified/chat-request.ts'
import { refuse } from '../unified/refusal.ts'
import { forcesTool } from '../unified/tool-choice.ts'
import type { Refusal } from '../unified-api.ts'

/** The parameters of a message that are about thinking; none where the caller leaves that to the model. */
export interface Reasoning {
  readonly thinking?: ThinkingConfigParam
  readonly effort?: NonNullable<OutputConfig['effort']>
}

/**
 * `reasoning_effort` in Anthropic's words: adaptive thinking of that effort, with its summary shown. Models from before 4.6 know
 * only a budget of tokens: they get a share of the output maximum, which thinking counts towards with all models.
 * @param maxTokens the output maximum
 * @see https://platform.claude.com/docs/en/build-with-claude/adaptive-thinking
 * @see https://platform.claude.com/docs/en/build-with-claude/effort
 */
export function toReasoning(request: ChatRequest, model: string, maxTokens: number): Reasoning | Refusal {
  const { reasoning_effort: effort } = request
  if (effort === undefined) return {}
  if (effort === 'none') return { thinking: { type: 'disabled' } }
  const conflict = conflictWithThinking(request)
  if (conflict !== undefined) return conflict
  if (BUDGET_MODEL.test(model)) return withBudget(effort, model, maxTokens)
  return {
    thinking: { type: 'adaptive', display: 'summarized' },
    effort: effort === 'minimal' ? 'low' : effort,
  }
}

/**
 * Thinking goes with no forced tool, and with hardly any sampling.
 * @see https://platform.claude.com/docs/en/build-with-claude/extended-thinking#feature-compatibility
 */
function conflictWithThinking(request: ChatRequest): Refusal | undefined {
  const { temperature = 1, top_p = 1 } = request
  if (forcesTool(request)) {
    return refuse('tool_choice', 'Anthropic cannot think ("reasoning_effort") where "tool_choice" forces a tool call.')
  }
  if (temperature !== 1) {
    return refuse('temperature', 'Anthropic thinks ("reasoning_effort") only at a temperature of 1.')
  }
  return top_p < 0.95
    ? refuse('top_p', 'Anthropic thinks ("reasoning_effort") only with a top_p from 0.95.')
    : undefined
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

/** Claude 3, 4, 4.1 and 4.5, which refuse adaptive thinking. The list is closed: all later models take it. */
const BUDGET_MODEL = /^claude-(?:3-|(?:opus|sonnet|haiku)-4(?:-[015])?(?:-\d{8})?$)/

const MIN_BUDGET_TOKENS = 1_024

/** Of the output maximum. */
const BUDGET_SHARES: Readonly<Record<ThinkingEffort, number>> = {
  minimal: 0.1,
  low: 0.2,
  medium: 0.5,
  high: 0.8,
  xhigh: 0.9,
}
