import type { AnswerReader, Operation, RequestInspection } from '../provider-adapter.ts'
import { EventStreamReader } from './event-stream-reader.ts'
import { PlainAnswerReader } from './plain-answer-reader.ts'

/** The reader for one answer of status 2xx, by what the provider says that it is. */
export function openAiAnswerReader(
  operation: Operation,
  inspection: RequestInspection,
  contentType: string,
): AnswerReader {
  if (contentType.startsWith('text/event-stream')) {
    return new EventStreamReader({
      // A response's last event holds the whole response, and that the usage.
      usageDepth: operation.kind === 'responses' ? 2 : 1,
      tokenMark: operation.kind === 'completions' ? '"text"' : '"delta"',
      takesOut: inspection.addsUsage,
    })
  }
  return operation.usesModel && contentType.startsWith('application/json') ? new PlainAnswerReader() : UNREAD
}

/** For answers that tell no usage. */
const UNREAD: AnswerReader = {
  push: (chunk) => chunk,
  end: () => Buffer.alloc(0),
  usage: undefined,
  outputTokensSeen: 0,
}
