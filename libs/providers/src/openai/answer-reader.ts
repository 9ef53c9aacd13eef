import type { Operation, RequestInspection, ResponseReader } from '../provider-adapter.ts'
import { unlistedResponseReader } from '../unlisted/answer-reader.ts'
import { FirstBytesReader } from '../wire/first-bytes-reader.ts'
import { JsonTailReader } from '../wire/json-tail-reader.ts'
import { UNREAD } from '../wire/unread.ts'
import { BackgroundBeginReader, backgroundReportReader } from './background.ts'
import { EventStreamReader } from './event-stream-reader.ts'
import { errorStatusIn } from './stream-error.ts'
import { findOpenAiUsage } from './usage.ts'

/** The reader for one answer of status 2xx, by what its first bytes show that it is. */
export function openAiResponseReader(
  { kind, usesModel, unlisted, backgroundId }: Operation,
  { addsUsage, maxOutputTokens, inBackground }: RequestInspection,
): ResponseReader {
  if (unlisted) return unlistedResponseReader()
  if (backgroundId !== undefined) return backgroundReportReader(backgroundId)
  if (!usesModel || kind === 'count-tokens') return UNREAD
  const forms = {
    events: () =>
      new EventStreamReader({ tokenMark: kind === 'completions' ? '"text"' : '"delta"', takesOut: addsUsage }),
    json: () =>
      new JsonTailReader({
        findUsage: findOpenAiUsage,
        withoutOutput: maxOutputTokens === 0,
        errorStatusIn,
      }),
  }
  const reader = new FirstBytesReader(forms, REPORTS_USAGE.has(kind))
  return inBackground ? new BackgroundBeginReader(reader) : reader
}

/** The others are counted in seconds, characters or pieces by some models, or not at all. */
const REPORTS_USAGE: ReadonlySet<string> = new Set(['chat', 'completions', 'responses', 'embeddings'])
