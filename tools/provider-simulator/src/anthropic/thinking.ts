import { isRecord, recordsOf } from '../core/json.ts'
import { signatureOf } from '../core/model-output.ts'
import type { ThinkingType } from './models.ts'

type Json = Readonly<Record<string, unknown>>

/** Tells whether a request asks for extended or adaptive thinking, which the simulator then always does. */
export function asksToThink({ thinking }: Json): boolean {
  return isRecord(thinking) && (thinking.type === 'enabled' || thinking.type === 'adaptive')
}

/** https://platform.claude.com/docs/en/build-with-claude/adaptive-thinking, `display`. */
export function showsThought({ thinking }: Json): boolean {
  return isRecord(thinking) && thinking.display !== 'omitted'
}

/**
 * Returns what the API says is wrong with the thinking that a valid request asks for, or with the thoughts that it
 * brings back; undefined if nothing is.
 * @param types the types that the model supports
 * @see https://platform.claude.com/docs/en/build-with-claude/extended-thinking
 */
export function thinkingProblem(json: Json, types: readonly ThinkingType[]): string | undefined {
  const messages = recordsOf(json.messages)
  const problem = configProblem(json, types) ?? forgedThinking(messages)
  if (problem !== undefined) return problem
  const isEnabled = isRecord(json.thinking) && json.thinking.type === 'enabled'
  return isEnabled ? thoughtlessToolUse(messages) : undefined
}

function configProblem(json: Json, types: readonly ThinkingType[]): string | undefined {
  const { thinking, tool_choice: choice } = json
  if (!isRecord(thinking)) return undefined
  if (thinking.type === 'disabled') return undefined
  if (!asksToThink(json)) {
    return `thinking: Input tag '${String(thinking.type)}' found using 'type' does not match any of the expected tags: 'adaptive', 'disabled', 'enabled'`
  }
  if (!types.some((type) => type === thinking.type)) return NOT_SUPPORTED[thinking.type as ThinkingType]
  if (isRecord(choice) && (choice.type === 'any' || choice.type === 'tool')) {
    return 'Thinking may not be enabled when tool_choice forces tool use.'
  }
  return budgetProblem(thinking, json.max_tokens) ?? samplingProblem(json)
}

const NOT_SUPPORTED: Readonly<Record<ThinkingType, string>> = {
  adaptive: 'adaptive thinking is not supported on this model',
  enabled:
    '"thinking.type.enabled" is not supported for this model. Use "thinking.type.adaptive" and "output_config.effort" ' +
    'to control thinking behavior.',
}

function budgetProblem({ type, budget_tokens: budget }: Json, maximum: unknown): string | undefined {
  if (type !== 'enabled') return undefined
  if (typeof budget !== 'number') return 'thinking.enabled.budget_tokens: Field required'
  if (budget < 1024) return 'thinking.enabled.budget_tokens: Input should be greater than or equal to 1024'
  return typeof maximum === 'number' && maximum <= budget
    ? '`max_tokens` must be greater than `thinking.budget_tokens`.'
    : undefined
}

function samplingProblem({ temperature, top_p, top_k }: Json): string | undefined {
  if (temperature !== undefined && temperature !== 1)
    return '`temperature` may only be set to 1 when thinking is enabled.'
  if (typeof top_p === 'number' && top_p < 0.95) {
    return '`top_p` must be greater than or equal to 0.95 or unset when thinking is enabled.'
  }
  return top_k === undefined ? undefined : '`top_k` must be unset when thinking is enabled.'
}

/** Thoughts have to come back as they were signed, even if the request asks for no more of them. */
function forgedThinking(messages: readonly Json[]): string | undefined {
  for (const [index, { content }] of messages.entries()) {
    const forged = recordsOf(content).findIndex(
      ({ type, thinking, signature }) => type === 'thinking' && signature !== signatureOf(String(thinking)),
    )
    if (forged !== -1) return `messages.${index}.content.${forged}: Invalid \`signature\` in \`thinking\` block`
  }
  return undefined
}

/** With a budget, an assistant's turn that continues after tool results has to begin with its thoughts. */
function thoughtlessToolUse(messages: readonly Json[]): string | undefined {
  const results = recordsOf(messages.at(-1)?.content)
  if (!results.some(({ type }) => type === 'tool_result')) return undefined
  const first = recordsOf(messages.at(-2)?.content)[0]?.type
  if (first === 'thinking' || first === 'redacted_thinking') return undefined
  return (
    `messages.${messages.length - 2}.content.0.type: Expected \`thinking\` or \`redacted_thinking\`, but found ` +
    `\`${String(first)}\`. When \`thinking\` is enabled, a final \`assistant\` message must start with a thinking block ` +
    '(preceeding the lastmost set of `tool_use` and `tool_result` blocks). We recommend you include thinking blocks from ' +
    'previous turns. To avoid this requirement, disable `thinking`.'
  )
}
