import type { Operation, ResponseReader } from '../provider-adapter.ts'
import { unlistedResponseReader } from '../unlisted/answer-reader.ts'
import { findUsage, type JsonEnds } from '../wire/find-usage.ts'
import { FirstBytesReader } from '../wire/first-bytes-reader.ts'
import { JsonArraySplitter } from '../wire/json-array-splitter.ts'
import { JsonTailReader } from '../wire/json-tail-reader.ts'
import type { ReportedUsage } from '../wire/reported-usage.ts'
import { WatchingReader } from '../wire/watching-reader.ts'
import { ChunkMeter, googleErrorStatusIn } from './chunk-meter.ts'
import { eventOrErrorSplitter } from './event-or-error-splitter.ts'
import { addGoogleUsage, reportedGoogleUsage } from './usage.ts'

/**
 * The reader for one answer of status 2xx, by what its first bytes show that it is. A stream is server-sent events where the query has
 * `alt=sse`, and otherwise a JSON array whose elements come one by one.
 */
export function googleResponseReader({ kind, unlisted }: Operation): ResponseReader {
  if (unlisted) return unlistedResponseReader()
  if (kind === 'stream') return new FirstBytesReader({ events, json: array }, true)
  // Whatever was asked for: an error in it must be seen.
  if (!TELLS_USAGE.has(kind)) return new FirstBytesReader({ events }, false)
  // Some models that embed report no usage.
  return new FirstBytesReader({ events, json: document(kind === 'embed') }, kind === 'generate')
}

const TELLS_USAGE: ReadonlySet<string> = new Set(['generate', 'embed', 'model-action'])

const events = (): ResponseReader => new WatchingReader(eventOrErrorSplitter, new ChunkMeter())
const array = (): ResponseReader => new WatchingReader((visit) => new JsonArraySplitter(visit), new ChunkMeter())
const document = (withoutOutput: boolean) => (): ResponseReader =>
  new JsonTailReader({ findUsage: findGoogleUsage, withoutOutput, errorStatusIn: googleErrorStatusIn })

function findGoogleUsage(json: JsonEnds): ReportedUsage | undefined {
  return findUsage(json, 'usageMetadata', [1], (metadata) => reportedGoogleUsage(addGoogleUsage(undefined, metadata)))
}
