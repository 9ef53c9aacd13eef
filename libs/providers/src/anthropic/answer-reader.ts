import { claudeErrorStatusIn } from '../claude/error-types.ts'
import { MessageStreamMeter } from '../claude/message-stream-meter.ts'
import { readClaudeUsage, reportedClaudeUsage, withContextEdits } from '../claude/usage.ts'
import type { Operation, ResponseReader } from '../provider-adapter.ts'
import { unlistedResponseReader } from '../unlisted/answer-reader.ts'
import { eventDataSplitter } from '../wire/event-data-splitter.ts'
import { findUsage, type JsonEnds } from '../wire/find-usage.ts'
import { FirstBytesReader } from '../wire/first-bytes-reader.ts'
import { JsonTailReader } from '../wire/json-tail-reader.ts'
import type { ReportedUsage } from '../wire/reported-usage.ts'
import { UNREAD } from '../wire/unread.ts'
import { WatchingReader } from '../wire/watching-reader.ts'

/** The reader for one answer of status 2xx, by what its first bytes show that it is. */
export function anthropicResponseReader({ kind, unlisted }: Operation): ResponseReader {
  if (unlisted) return unlistedResponseReader()
  return kind === 'messages' ? new FirstBytesReader(FORMS, true) : UNREAD
}

const FORMS = {
  events: () => new WatchingReader(eventDataSplitter, new MessageStreamMeter()),
  json: () => new JsonTailReader({ findUsage: findAnthropicUsage, errorStatusIn: claudeErrorStatusIn }),
}

function findAnthropicUsage(json: JsonEnds): ReportedUsage | undefined {
  return reportedClaudeUsage(withContextEdits(json, findUsage(json, 'usage', [1], readClaudeUsage)))
}
