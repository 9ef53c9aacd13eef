import { isRecord } from '../../wire/is-record.ts'

/**
 * Why Anthropic refused, in its words; null where it did not, or does not say.
 * @param ending what has the `stop_details`: a message, or the `delta` of the event that ends a stream's
 * @see https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons#refusal
 */
export function refusalText({ stop_reason: reason, stop_details: details }: Readonly<Record<string, unknown>>) {
  if (reason !== 'refusal' || !isRecord(details)) return null
  return typeof details.explanation === 'string' ? details.explanation : null
}
