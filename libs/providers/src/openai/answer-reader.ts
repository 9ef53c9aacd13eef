import type { AnswerReader, Operation, RequestInspection } from '../provider-adapter.ts'
import { unlistedAnswerReader } from '../unlisted/answer-reader.ts'
import { JsonTailReader } from '../wire/json-tail-reader.ts'
import { UNREAD } from '../wire/unread.ts'
import { EventStreamReader } from './event-stream-reader.ts'
import { findOpenAiUsage } from './usage.ts'

/**
 * The reader for one answer of status 2xx, by what the provider says that it is.
 * @param usageDepths how many objects deep the usage of a streamed chat or completion may stand, the likeliest first
 */
export function openAiAnswerReader(
  operation: Operation,
  inspection: RequestInspection,
  contentType: string,
  usageDepths: readonly number[] = [1],
): AnswerReader {
  if (operation.unlisted) return unlistedAnswerReader(contentType)
  if (contentType.startsWith('text/event-stream')) {
    return new EventStreamReader({
      // A response's last event holds the whole response, and that the usage.
      usageDepths: operation.kind === 'responses' ? [2] : usageDepths,
      tokenMark: operation.kind === 'completions' ? '"text"' : '"delta"',
      takesOut: inspection.addsUsage,
    })
  }
  return operation.usesModel && contentType.startsWith('application/json')
    ? new JsonTailReader(findOpenAiUsage)
    : UNREAD
}
