import type { Model } from './model-catalogue.ts'
import { type ProtoMessage, protoMessage } from './proto-json.ts'

/** Whether a request says something of thinking other than not to: https://ai.google.dev/gemini-api/docs/thinking. */
export function asksToThink(json: ProtoMessage): boolean {
  const { includeThoughts, thinkingBudget, thinkingLevel } = configOf(json)
  return (
    thinkingBudget !== 0 && (includeThoughts === true || thinkingBudget !== undefined || thinkingLevel !== undefined)
  )
}

export function showsThoughts(json: ProtoMessage): boolean {
  return configOf(json).includeThoughts === true
}

/** What of a request's thinking the model does not do; undefined if there is nothing. */
export function thinkingProblem(json: ProtoMessage, { id, thinking }: Model): string | undefined {
  const { thinkingBudget, thinkingLevel } = configOf(json)
  if (thinkingBudget !== undefined && thinkingLevel !== undefined) {
    return 'You can only set only one of thinking budget and thinking level.'
  }
  if (asksToThink(json) && thinking === undefined) return `Thinking is not enabled for models/${id}`
  if (thinkingLevel !== undefined && thinking === 'thinkingBudget') {
    return 'Thinking level is not supported for this model.'
  }
  return thinkingBudget === 0 && id.includes('-pro')
    ? 'Budget 0 is invalid. This model only works in thinking mode.'
    : undefined
}

function configOf({ generationConfig }: ProtoMessage): ProtoMessage {
  return protoMessage(protoMessage(generationConfig).thinkingConfig)
}
