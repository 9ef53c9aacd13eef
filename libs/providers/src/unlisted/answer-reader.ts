import type { TokenUsage } from '@sluice/contracts'
import { streamErrorStatus } from '../openai/stream-error.ts'
import type { AnswerReader } from '../provider-adapter.ts'
import { eventDataSplitter } from '../wire/event-data-splitter.ts'
import { JsonTailReader } from '../wire/json-tail-reader.ts'
import { UNREAD } from '../wire/unread.ts'
import { type UsageMeter, WatchingReader } from '../wire/watching-reader.ts'
import { type AnyUsage, findAnyUsage, mergeAnyUsage, wholeUsage } from './usage.ts'

/** The reader for one answer of status 2xx to a request of which nothing is known: finds the usage in whichever shape it comes. */
export function unlistedAnswerReader(contentType: string): AnswerReader {
  if (contentType.startsWith('text/event-stream')) return new WatchingReader(eventDataSplitter, new AnyMeter())
  return contentType.includes('json') ? new JsonTailReader((json) => wholeUsage(findAnyUsage(json))) : UNREAD
}

/** Learns from the events of a stream, whatever they are. */
class AnyMeter implements UsageMeter {
  outputTokensSeen = 0
  errorStatus: number | undefined
  #reported: AnyUsage | undefined

  get usage(): TokenUsage | undefined {
    return wholeUsage(this.#reported)
  }

  note(data: Buffer): void {
    const usage = findAnyUsage(data)
    if (usage !== undefined) this.#reported = mergeAnyUsage(this.#reported, usage)
    // As OpenAI streams, an event brings one token; those that have none are few.
    else this.outputTokensSeen++
    this.errorStatus = streamErrorStatus(data) ?? this.errorStatus
  }
}
