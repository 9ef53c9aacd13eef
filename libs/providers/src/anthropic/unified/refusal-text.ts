import { isRecord } from '../../wire/is-record.ts'

/**
 * Why Anthropic refused, in its words; null where it did not, or does not say.
 * @param ending a message, or the `delta` that ends a streamed one
 * @see https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons#refusal
 */
export function refusalText(ending: Readonly<Record<string, unknown>>): string | null {
  const { stop_reason: reason, stop_details: details } = ending
  if (reason !== 'refusal' || !isRecord(details)) return null
  return typeof details.explanation === 'string' ? details.explanation : null
}
