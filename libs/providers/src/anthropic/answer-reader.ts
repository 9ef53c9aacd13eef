import type { TokenUsage } from '@sluice/contracts'
import { MessageStreamMeter } from '../claude/message-stream-meter.ts'
import { readClaudeUsage, totalUsage } from '../claude/usage.ts'
import type { AnswerReader, Operation, RequestInspection } from '../provider-adapter.ts'
import { unlistedAnswerReader } from '../unlisted/answer-reader.ts'
import { eventDataSplitter } from '../wire/event-data-splitter.ts'
import { findUsage } from '../wire/find-usage.ts'
import { JsonTailReader } from '../wire/json-tail-reader.ts'
import { UNREAD } from '../wire/unread.ts'
import { WatchingReader } from '../wire/watching-reader.ts'

/** The reader for one answer of status 2xx, by what the provider says that it is. */
export function anthropicAnswerReader(
  { kind, unlisted }: Operation,
  _inspection: RequestInspection,
  contentType: string,
): AnswerReader {
  if (unlisted) return unlistedAnswerReader(contentType)
  if (kind !== 'messages') return UNREAD
  if (contentType.startsWith('text/event-stream'))
    return new WatchingReader(eventDataSplitter, new MessageStreamMeter())
  return contentType.startsWith('application/json') ? new JsonTailReader(findAnthropicUsage) : UNREAD
}

function findAnthropicUsage(json: Buffer): TokenUsage | undefined {
  return findUsage(json, 'usage', 1, (usage) => totalUsage(readClaudeUsage(usage)))
}
