import type { TokenUsage } from '@sluice/contracts'
import { streamErrorStatus } from '../openai/stream-error.ts'
import type { AnswerReader, PartialUsage } from '../provider-adapter.ts'
import { eventDataSplitter } from '../wire/event-data-splitter.ts'
import { FirstBytesReader } from '../wire/first-bytes-reader.ts'
import { JsonTailReader } from '../wire/json-tail-reader.ts'
import { highestCounts, partialUsage, type ReportedUsage, wholeUsage } from '../wire/reported-usage.ts'
import { type UsageMeter, WatchingReader } from '../wire/watching-reader.ts'
import { findAnyUsage } from './usage.ts'

/** The reader for one answer of status 2xx to a request of which nothing is known: finds the usage in whichever shape it comes. */
export function unlistedAnswerReader(): AnswerReader {
  return new FirstBytesReader(FORMS, true)
}

const FORMS = {
  events: () => new WatchingReader(eventDataSplitter, new AnyMeter()),
  // What reports its input alone, such as a reranking, has no output.
  json: () => new JsonTailReader({ findUsage: findAnyUsage, withoutOutput: true, errorStatus: streamErrorStatus }),
}

/** Learns from the events of a stream, whatever they are. */
class AnyMeter implements UsageMeter {
  outputTokensSeen = 0
  errorStatus: number | undefined
  #reported: ReportedUsage | undefined

  get usage(): TokenUsage | undefined {
    return wholeUsage(this.#reported)
  }

  get partialUsage(): PartialUsage | undefined {
    return partialUsage(this.#reported)
  }

  note(data: Buffer): void {
    const usage = findAnyUsage({ tail: data })
    if (usage !== undefined) this.#reported = highestCounts(this.#reported, usage)
    // As OpenAI streams, an event brings one token; those that have none are few.
    else this.outputTokensSeen++
    this.errorStatus = streamErrorStatus(data) ?? this.errorStatus
  }
}
