import { isRecord } from '../../wire/is-record.ts'

/**
 * Where Google's own OpenAI-compatible API has a part's thought signature, which the model wants to see again.
 * @see https://ai.google.dev/gemini-api/docs/thought-signatures
 */
export interface Signed {
  readonly extra_content?: Readonly<Record<string, unknown>>
}

export function signed(signature: string | undefined): Signed {
  return signature === undefined ? {} : { extra_content: { google: { thought_signature: signature } } }
}

export function signatureOf({ extra_content: extra }: { readonly extra_content?: unknown }): string | undefined {
  const google = isRecord(extra) ? extra.google : undefined
  const signature = isRecord(google) ? google.thought_signature : undefined
  return typeof signature === 'string' ? signature : undefined
}

/** What Google documents for calls that come from another model, or whose signature the application has not kept. */
export const FOREIGN_SIGNATURE = 'skip_thought_signature_validator'
