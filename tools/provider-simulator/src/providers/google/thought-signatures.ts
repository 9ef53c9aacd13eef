import { signatureOf } from '../../core/signature.ts'
import type { Model } from './model-catalogue.ts'
import { type ProtoMessage, protoMessage, protoMessages } from './proto-json.ts'

/** What signs every part that follows thoughts: the thoughts themselves need not come back. */
export const THOUGHT_SIGNATURE = signatureOf('thoughts')

/**
 * What is wrong with the signatures that come back; undefined if nothing is. Models that take a thinking level demand one of
 * the first call of each step since the user last spoke.
 * @see https://ai.google.dev/gemini-api/docs/thought-signatures
 */
export function signatureProblem({ contents }: ProtoMessage, { thinking }: Model): string | undefined {
  const turns = protoMessages(contents).map(({ role, parts }) => ({ role, parts: protoMessages(parts) }))
  const isForged = ({ thoughtSignature: signature }: ProtoMessage) =>
    signature !== undefined && !ACCEPTED.some((accepted) => accepted === signature)
  if (turns.some(({ parts }) => parts.some(isForged))) return 'Thought signature is not valid'
  if (thinking !== 'thinkingLevel') return undefined
  const spokeAt = turns.findLastIndex(
    ({ role, parts }) => role !== 'model' && parts.some(({ functionResponse }) => functionResponse === undefined),
  )
  for (const [index, { parts }] of turns.entries()) {
    const call = parts.find(({ functionCall }) => functionCall !== undefined)
    if (index < spokeAt || call === undefined || call.thoughtSignature !== undefined) continue
    return (
      'Function call is missing a thought_signature in functionCall parts. This is required for tools to work correctly, and ' +
      'missing thought_signature may lead to degraded model performance. Additional data, function call ' +
      `\`default_api:${String(protoMessage(call.functionCall).name)}\` , position ${index + 1}.`
    )
  }
  return undefined
}

/** The others stand for calls that another model made. */
const ACCEPTED = [THOUGHT_SIGNATURE, 'skip_thought_signature_validator', 'context_engineering_is_the_way_to_go']
