import { signatureOf } from '../core/model-output.ts'
import type { Model } from './models.ts'
import { type ProtoMessage, protoMessage, protoMessages } from './proto-json.ts'

/** Tells whether a request asks the model to think: https://ai.google.dev/gemini-api/docs/thinking. */
export function asksToThink(json: ProtoMessage): boolean {
  const { includeThoughts, thinkingBudget, thinkingLevel } = configOf(json)
  return (
    thinkingBudget !== 0 && (includeThoughts === true || thinkingBudget !== undefined || thinkingLevel !== undefined)
  )
}

export function showsThoughts(json: ProtoMessage): boolean {
  return configOf(json).includeThoughts === true
}

/** Returns what the API says of thinking that the model does not support; undefined if there is none. */
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

/** Signs every part that follows thoughts: the thoughts themselves need not come back. */
export const THOUGHT_SIGNATURE = signatureOf('thoughts')

/**
 * Returns what the API says is wrong with the signatures that come back; undefined if nothing is. Models with a
 * thinking level require one on the first call of each step since the user's last message.
 * @see https://ai.google.dev/gemini-api/docs/thought-signatures
 */
export function signatureProblem({ contents }: ProtoMessage, { thinking }: Model): string | undefined {
  const turns = protoMessages(contents).map(({ role, parts }) => ({ role, parts: protoMessages(parts) }))
  const isForged = ({ thoughtSignature: signature }: ProtoMessage) =>
    signature !== undefined && !ACCEPTED.some((accepted) => accepted === signature)
  if (turns.some(({ parts }) => parts.some(isForged))) return 'Thought signature is not valid'
  if (thinking !== 'thinkingLevel') return undefined
  const lastUserTurn = turns.findLastIndex(
    ({ role, parts }) => role !== 'model' && parts.some(({ functionResponse }) => functionResponse === undefined),
  )
  for (const [index, { parts }] of turns.entries()) {
    const call = parts.find(({ functionCall }) => functionCall !== undefined)
    if (index < lastUserTurn || call === undefined || call.thoughtSignature !== undefined) continue
    return (
      'Function call is missing a thought_signature in functionCall parts. This is required for tools to work correctly, and ' +
      'missing thought_signature may lead to degraded model performance. Additional data, function call ' +
      `\`default_api:${String(protoMessage(call.functionCall).name)}\` , position ${index + 1}.`
    )
  }
  return undefined
}

/** The constants are for calls that another model made. */
const ACCEPTED = [THOUGHT_SIGNATURE, 'skip_thought_signature_validator', 'context_engineering_is_the_way_to_go']
