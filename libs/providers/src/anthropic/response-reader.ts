import { claudeErrorStatusIn } from '../claude/errors.ts'
import { MessageStreamMeter } from '../claude/message-stream-meter.ts'
import { readClaudeUsage, reportedClaudeUsage, withContextEdits } from '../claude/usage.ts'
import type { Operation, ResponseReader } from '../provider-adapter.ts'
import { unlistedResponseReader } from '../unlisted/usage.ts'
import { findUsage, type JsonEnds, JsonTailReader } from '../wire/json-tail.ts'
import type { ReportedUsage } from '../wire/reported-usage.ts'
import { FirstBytesReader } from '../wire/response-form.ts'
import { eventDataSplitter } from '../wire/sse.ts'
import { NO_USAGE_READER, WatchingReader } from '../wire/usage-reader.ts'

/** The reader for one answer of status 2xx, by what its first bytes show that it is. */
export function anthropicResponseReader({ kind, unlisted }: Operation): ResponseReader {
  if (unlisted) return unlistedResponseReader()
  return kind === 'messages' ? new FirstBytesReader(FORMS, true) : NO_USAGE_READER
}

const FORMS = {
  events: () => new WatchingReader(eventDataSplitter, new MessageStreamMeter()),
  json: () => new JsonTailReader({ findUsage: findAnthropicUsage, errorStatusIn: claudeErrorStatusIn }),
}

function findAnthropicUsage(json: JsonEnds): ReportedUsage | undefined {
  return reportedClaudeUsage(withContextEdits(json, findUsage(json, 'usage', [1], readClaudeUsage)))
}
