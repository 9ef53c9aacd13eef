import type { TokenUsage } from '@sluice/contracts'
import type {
  BackgroundReading,
  Operation,
  PartialUsage,
  RequestInspection,
  ResponseReader,
} from '../provider-adapter.ts'
import { unlistedResponseReader } from '../unlisted/usage.ts'
import { isRecord, parseJson } from '../wire/json.ts'
import { findFirstMember, memberValue } from '../wire/json-members.ts'
import { JsonTailReader } from '../wire/json-tail.ts'
import { FirstBytesReader, firstByte, formOf } from '../wire/response-form.ts'
import { EventBlocks, eventMessage } from '../wire/sse.ts'
import { NO_USAGE_READER } from '../wire/usage-reader.ts'
import { errorStatusIn } from './errors.ts'
import { EventStreamReader } from './event-stream-reader.ts'
import { findOpenAiUsage } from './usage.ts'

/** Returns the reader for one 2xx response. Its first bytes decide whether it is read as events or as JSON. */
export function openAiResponseReader(
  { kind, usesModel, unlisted, backgroundId }: Operation,
  { addsUsage, maxOutputTokens, inBackground }: RequestInspection,
): ResponseReader {
  if (unlisted) return unlistedResponseReader()
  if (backgroundId !== undefined) return backgroundReportReader(backgroundId)
  if (!usesModel || kind === 'count-tokens') return NO_USAGE_READER
  const forms = {
    events: () =>
      new EventStreamReader({ tokenMark: kind === 'completions' ? '"text"' : '"delta"', removesUsage: addsUsage }),
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

/** Some models count the others in seconds, characters or pieces, or not at all. */
const REPORTS_USAGE: ReadonlySet<string> = new Set(['chat', 'completions', 'responses', 'embeddings'])

/**
 * Returns the id of the background response that a call retrieves or cancels: the provider's response to either reports
 * its usage.
 * @param path decoded, relative to the base URL; undefined where it cannot be decoded
 * @see https://platform.openai.com/docs/guides/background
 */
export function openAiBackgroundId(method: string, path = ''): string | undefined {
  const pattern = method === 'GET' ? RETRIEVED : method === 'POST' ? CANCELLED : undefined
  const id = pattern?.exec(path)?.[1]
  return id !== undefined && id.length <= MAX_ID_CHARS ? id : undefined
}

const RETRIEVED = /^\/responses\/([^/]+)$/
const CANCELLED = /^\/responses\/([^/]+)\/cancel$/

/** Returns a reader of a background response's state. The usage in it belongs to the earlier request that began it. */
function backgroundReportReader(id: string): ResponseReader {
  const inner = new FirstBytesReader(
    {
      events: () => new EventStreamReader({ tokenMark: '"delta"', removesUsage: false }),
      json: () => new JsonTailReader({ findUsage: findOpenAiUsage, errorStatusIn: reportErrorStatusIn }),
    },
    false,
  )
  return {
    push: (chunk) => inner.push(chunk),
    end: () => inner.end(),
    usage: undefined,
    outputTokensSeen: 0,
    get errorStatus() {
      return inner.errorStatus
    },
    get background() {
      return { id, usage: inner.usage ?? inner.partialUsage }
    },
  }
}

/** An error inside a background response ended that response earlier; the call that retrieves it succeeded. */
function reportErrorStatusIn(document: unknown): number | undefined {
  return isRecord(document) && document.object === 'response' ? undefined : errorStatusIn(document)
}

/** Reads the response to a request that begins a background response: `inner` reads the usage, this class its id. */
class BackgroundBeginReader implements ResponseReader {
  readonly #inner: ResponseReader
  #form: ReturnType<typeof formOf> | undefined
  #blocks: EventBlocks | undefined
  #blocksLeft = MAX_BLOCKS
  #kept: Buffer[] = []
  #keptBytes = 0
  #id: string | undefined

  constructor(inner: ResponseReader) {
    this.#inner = inner
  }

  get usage(): TokenUsage | undefined {
    return this.#inner.usage
  }

  get partialUsage(): PartialUsage | undefined {
    return this.#inner.partialUsage
  }

  get providerAddedInput(): boolean {
    return this.#inner.providerAddedInput ?? false
  }

  get reportsUsage(): boolean {
    return this.#inner.reportsUsage ?? false
  }

  get outputTokensSeen(): number {
    return this.#inner.outputTokensSeen
  }

  get errorStatus(): number | undefined {
    return this.#inner.errorStatus
  }

  get background(): BackgroundReading | undefined {
    return this.#id === undefined ? undefined : { id: this.#id }
  }

  push(chunk: Buffer): Buffer {
    const start = this.#form === undefined ? firstByte(chunk) : 0
    if (start < chunk.length) this.#look(start === 0 ? chunk : chunk.subarray(start))
    return this.#inner.push(chunk)
  }

  end(): Buffer {
    this.#blocks?.end()
    this.#blocks = undefined
    if (this.#kept.length > 0) this.#note(ownId(Buffer.concat(this.#kept)))
    this.#kept = []
    return this.#inner.end()
  }

  #look(bytes: Buffer): void {
    if (this.#form === undefined) {
      this.#form = formOf(bytes[0])
      if (this.#form === 'events') this.#blocks = new EventBlocks((block) => this.#readBlock(block))
    }
    if (this.#form === 'json' && this.#keptBytes < MAX_KEPT_BYTES) {
      const kept = bytes.subarray(0, MAX_KEPT_BYTES - this.#keptBytes)
      this.#keptBytes += kept.length
      this.#kept.push(kept)
    }
    this.#blocks?.push(bytes)
    if (this.#id !== undefined || this.#blocksLeft <= 0) this.#blocks = undefined
  }

  /** Events of the stream's state contain the response; one of them comes first. */
  #readBlock(block: Buffer): void {
    if (this.#id !== undefined || this.#blocksLeft-- <= 0) return
    const data = eventMessage(block)
    const event = data && parseJson(data)
    if (isRecord(event) && isRecord(event.response)) this.#note(event.response.id)
  }

  #note(id: unknown): void {
    if (typeof id === 'string' && id !== '' && id.length <= MAX_ID_CHARS) this.#id = id
  }
}

/** Returns the document's own `id`; undefined where it has none or is not JSON. */
function ownId(json: Buffer): unknown {
  const member = findFirstMember(json, 'id')
  try {
    return member && memberValue(json, member)
  } catch {
    return undefined
  }
}

const MAX_ID_CHARS = 512
/**
 * Bytes kept of a response that is not streamed: while it has no usage it contains little besides the request's own
 * parameters.
 */
const MAX_KEPT_BYTES = 1024 * 1024
/** Blocks of a stream to look at: keep-alive comments may precede the first event. */
const MAX_BLOCKS = 64
