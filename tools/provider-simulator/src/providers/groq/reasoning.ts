import type { Model } from './model-catalogue.ts'
import type { RequestProblem } from './request-problem.ts'

type Json = Readonly<Record<string, unknown>>

/** What a request wants of reasoning that the model does not do; undefined if there is nothing. */
export function reasoningProblem(json: Json, { efforts }: Model): Required<RequestProblem> | undefined {
  const { reasoning_effort: effort, reasoning_format: format, include_reasoning: included } = json
  if (typeof effort === 'string' && !efforts.includes(effort)) {
    const message =
      efforts.length === 0
        ? 'reasoning_effort is not supported with this model'
        : `\`reasoning_effort\` must be one of ${efforts.map((value) => `\`${value}\``).join(', ')}`
    return { message, param: 'reasoning_effort' }
  }
  if (typeof format === 'string' && typeof included === 'boolean') {
    return { message: 'cannot specify both include_reasoning and reasoning_format', param: 'include_reasoning' }
  }
  return typeof format === 'string' && efforts.length === 0
    ? { message: 'reasoning_format is not supported with this model', param: 'reasoning_format' }
    : undefined
}

export function asksToThink({ reasoning_effort: effort }: Json): boolean {
  return typeof effort === 'string' && effort !== 'none'
}

/**
 * Whether thoughts come as `reasoning`: if they are to be parsed, and from OpenAI's models unless told otherwise. Raw ones, within
 * the text, are not simulated: they are hidden.
 * @see https://console.groq.com/docs/reasoning
 */
export function showsThought({ reasoning_format: format, include_reasoning: included }: Json, { id }: Model): boolean {
  if (typeof format === 'string') return format === 'parsed'
  return typeof included === 'boolean' ? included : id.startsWith('openai/')
}
