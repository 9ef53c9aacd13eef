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
import { UNREAD } from '../wire/usage-reader.ts'
import { errorStatusIn } from './errors.ts'
import { EventStreamReader } from './event-stream-reader.ts'
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

/**
 * Returns the id of the response that a call asks for, or calls off: with either the provider reports what the response has used.
 * @param path as OpenAI understands it, relative to the base URL; undefined where that cannot be told
 * @see https://platform.openai.com/docs/guides/background
 */
export function openAiBackgroundId(method: string, path = ''): string | undefined {
  const pattern = method === 'GET' ? RETRIEVED : method === 'POST' ? CANCELLED : undefined
  const id = pattern?.exec(path)?.[1]
  return id !== undefined && id.length <= MAX_ID_CHARS ? id : undefined
}

const RETRIEVED = /^\/responses\/([^/]+)$/
const CANCELLED = /^\/responses\/([^/]+)\/cancel$/

/** Returns a reader of what the provider reports of a response that began with an earlier request, whose usage it is. */
export function backgroundReportReader(id: string): ResponseReader {
  const inner = new FirstBytesReader(
    {
      events: () => new EventStreamReader({ tokenMark: '"delta"', takesOut: false }),
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

/** The error in a response that is reported ended that response, some time ago; the call that asks for it went well. */
function reportErrorStatusIn(document: unknown): number | undefined {
  return isRecord(document) && document.object === 'response' ? undefined : errorStatusIn(document)
}

/** Reads the response to a request that begins one in the background as `inner` does, and its id besides. */
export class BackgroundBeginReader implements ResponseReader {
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

  /** Each event of the stream's state has the response as it is then; the first one comes first of all. */
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

/** Returns the document's own `id`. What an upstream sends need not be JSON: then it has none. */
function ownId(json: Buffer): unknown {
  const member = findFirstMember(json, 'id')
  try {
    return member && memberValue(json, member)
  } catch {
    return undefined
  }
}

const MAX_ID_CHARS = 512
/** Of a plain response, which has little in it while its usage is not known but what the request said. */
const MAX_KEPT_BYTES = 1024 * 1024
/** Of a stream: comments that keep the connection alive may come before its first event. */
const MAX_BLOCKS = 64
