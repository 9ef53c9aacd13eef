import type { ExtraContent } from '../../unified/answer-message.ts'
import { isRecord } from '../../wire/is-record.ts'

/**
 * A part's thought signature, which the model wants to see again, where Google's own OpenAI-compatible API has it.
 * @see https://ai.google.dev/gemini-api/docs/thought-signatures
 */
export function signed(signature: string | undefined): ExtraContent {
  return signature === undefined ? {} : { extra_content: { google: { thought_signature: signature } } }
}

export function signatureOf({ extra_content: extra }: { readonly extra_content?: unknown }): string | undefined {
  const google = isRecord(extra) ? extra.google : undefined
  const signature = isRecord(google) ? google.thought_signature : undefined
  return typeof signature === 'string' ? signature : undefined
}

/** What Google documents for calls that come from another model, or whose signature the application has not kept. */
export const FOREIGN_SIGNATURE = 'skip_thought_signature_validator'
