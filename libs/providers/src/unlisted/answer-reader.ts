import type { TokenUsage } from '@sluice/contracts'
import { errorStatusIn, namedErrorStatus, streamErrorStatus } from '../openai/stream-error.ts'
import { ResponseUsage } from '../openai/usage.ts'
import type { PartialUsage, ResponseReader } from '../provider-adapter.ts'
import { eventDataSplitter } from '../wire/event-data-splitter.ts'
import { FirstBytesReader } from '../wire/first-bytes-reader.ts'
import { JsonTailReader } from '../wire/json-tail-reader.ts'
import { mentionsIn } from '../wire/mentions.ts'
import { parseJson } from '../wire/parse-json.ts'
import { StreamedOutput } from '../wire/streamed-output.ts'
import { type UsageMeter, WatchingReader } from '../wire/watching-reader.ts'
import { findAnyUsage, readAnyUsage } from './usage.ts'

/** The reader for one answer of status 2xx to a request of which nothing is known: finds the usage in whichever shape it comes. */
export function unlistedResponseReader(): ResponseReader {
  return new FirstBytesReader(FORMS, true)
}

const FORMS = {
  events: () => new WatchingReader(eventDataSplitter, new AnyMeter()),
  // What reports its input alone, such as a reranking, has no output.
  json: () => new JsonTailReader({ findUsage: findAnyUsage, withoutOutput: true, errorStatusIn }),
}

/** Learns from the events of a stream, whatever they are. */
class AnyMeter implements UsageMeter {
  errorStatus: number | undefined
  readonly #reported = new ResponseUsage(readAnyUsage)
  readonly #output = new StreamedOutput()

  get usage(): TokenUsage | undefined {
    return this.#output.usage(this.#reported.reported)
  }

  get partialUsage(): PartialUsage | undefined {
    return this.#output.partialUsage(this.#reported.reported)
  }

  get outputTokensSeen(): number {
    return this.#output.seenTokens(this.#reported.reported)
  }

  note(data: Buffer, isError = false): void {
    const text = data.toString('latin1')
    const mentions = mentionsIn(text)
    if (mentions.error > 0) this.errorStatus = streamErrorStatus(data, mentions) ?? this.errorStatus
    if (isError) this.errorStatus ??= namedErrorStatus(data)
    const usage = COUNTED.test(text) ? findAnyUsage({ tail: data, text, mentions }) : undefined
    const hasOutput = OUTPUT.test(text)
    // As OpenAI streams, an event brings one token; those that bring none are few, and most of them come after the usage.
    if (hasOutput || (usage === undefined && this.#reported.reported === undefined)) this.#output.see(1)
    if (usage === undefined) return
    // Choices are told apart by their index, which is beside their usage.
    if (text.includes('"choices"')) this.#reported.addDocument(parseJson(data))
    else this.#reported.add(usage)
    if (!BEGINNING.test(text)) this.#output.report(this.#reported.reported, !hasOutput)
  }
}

const OUTPUT = /"(?:delta|text|content|response|parts|token)"/
const COUNTED = /token|usage|count/i
/** The first events of a message or a response, whose output has only begun. */
const BEGINNING = /"type"\s*:\s*"(?:message_start|response\.(?:created|queued|in_progress))"/
