import type { TokenUsage } from '@sluice/contracts'
import type { AnswerReader, Operation, RequestInspection } from '../provider-adapter.ts'
import { unlistedAnswerReader } from '../unlisted/answer-reader.ts'
import { findUsage } from '../wire/find-usage.ts'
import { JsonArraySplitter } from '../wire/json-array-splitter.ts'
import { JsonTailReader } from '../wire/json-tail-reader.ts'
import { UNREAD } from '../wire/unread.ts'
import { WatchingReader } from '../wire/watching-reader.ts'
import { ChunkMeter } from './chunk-meter.ts'
import { eventOrErrorSplitter } from './event-or-error-splitter.ts'
import { addGoogleUsage, totalUsage } from './usage.ts'

/**
 * The reader for one answer of status 2xx, by what the provider says that it is. A stream is server-sent events where the query
 * has `alt=sse`, and otherwise a JSON array whose elements come one by one.
 */
export function googleAnswerReader(
  { kind, unlisted }: Operation,
  _inspection: RequestInspection,
  contentType: string,
): AnswerReader {
  if (unlisted) return unlistedAnswerReader(contentType)
  const isJson = contentType.startsWith('application/json')
  // Whatever was asked for: an error in it must be seen.
  if (contentType.startsWith('text/event-stream')) return new WatchingReader(eventOrErrorSplitter, new ChunkMeter())
  if (kind === 'stream')
    return isJson ? new WatchingReader((visit) => new JsonArraySplitter(visit), new ChunkMeter()) : UNREAD
  return isJson && TELLS_USAGE.has(kind) ? new JsonTailReader(findGoogleUsage) : UNREAD
}

const TELLS_USAGE: ReadonlySet<string> = new Set(['generate', 'embed', 'model-action'])

function findGoogleUsage(json: Buffer): TokenUsage | undefined {
  return findUsage(json, 'usageMetadata', 1, (metadata) => totalUsage(addGoogleUsage(undefined, metadata)))
}
