import { DONE_EVENT, errorEvent, STREAM_CUT_SHORT } from '../unified/response-translators.ts'
import type { ResponseTranslator, TranslatedError } from '../unified-api.ts'
import { isRecord, parseJson, tokenCount } from '../wire/json.ts'
import { endOfValue, visitMembers } from '../wire/json-members.ts'
import { compactJson } from '../wire/json-source.ts'
import { firstByte, formOf } from '../wire/response-form.ts'
import { EventBlocks, eventMessage, isErrorEvent } from '../wire/sse.ts'
import { errorStatusIn } from './errors.ts'

/**
 * Passes through the response to a streamed request. Servers that cannot stream a model, or fail before they do,
 * respond with one JSON document: a chat completion is rewritten as the events of its stream, and an error as an event.
 */
export class StreamOrDocument implements ResponseTranslator {
  readonly contentType: string | undefined
  readonly #includesUsage: boolean
  readonly #stream = new GuardedStream()
  #isDocument: boolean | undefined
  #pieces: Buffer[] = []
  #bytes = 0
  #hasFailed = false

  /**
   * @param isEventStream the response says that it is one
   * @param includesUsage the caller requested the usage
   */
  constructor(isEventStream: boolean, includesUsage: boolean) {
    this.contentType = isEventStream ? undefined : 'text/event-stream; charset=utf-8'
    this.#includesUsage = includesUsage
  }

  get failed(): boolean {
    return this.#hasFailed || this.#stream.failed
  }

  push(chunk: Buffer): Buffer {
    if (this.#isDocument === undefined) {
      const start = firstByte(chunk)
      if (start === chunk.length) return chunk
      this.#isDocument = formOf(chunk[start]) === 'json'
    }
    if (!this.#isDocument) return this.#stream.push(chunk)
    this.#bytes += chunk.length
    if (this.#bytes > MAX_DOCUMENT_BYTES) this.#pieces = []
    else this.#pieces.push(chunk)
    return EMPTY
  }

  end(): Buffer {
    if (this.#isDocument !== true) return this.#stream.end()
    const events = this.#bytes > MAX_DOCUMENT_BYTES ? undefined : documentEvents(this.#pieces, this.#includesUsage)
    if (events !== undefined) return Buffer.from(events)
    this.#hasFailed = true
    return Buffer.from(errorEvent(UNREADABLE))
  }

  breakOff(message: string): Buffer {
    if (this.#isDocument !== true) return this.#stream.breakOff(message)
    return Buffer.from(errorEvent({ ...UNREADABLE, message }))
  }
}

/** Returns the events of a complete chat completion, or of an error; undefined where a document is neither. */
function documentEvents(pieces: readonly Buffer[], includesUsage: boolean): string | undefined {
  const text = Buffer.concat(pieces)
  const document = parseJson(text)
  if (!isRecord(document)) return undefined
  const json = Buffer.from(compactJson(text.toString('utf8', firstByte(text))))
  const { choices, usage, error } = membersOf(json, 0)
  if (typeof document.error === 'string') return errorEvent({ message: document.error, code: null })
  if (isRecord(document.error) && error !== undefined) return `data: {"error":${error}}\n\n`
  if (choices === undefined || !Array.isArray(document.choices) || document.choices.length === 0) return undefined
  const common = commonMembers(json)
  const event = (members: string): string => `data: {${common}${members}}\n\n`
  let events = ''
  const ends: string[] = []
  const list = Buffer.from(choices)
  visitMembers(list, 0, (_, start, at) => {
    const { message = '{}', index = String(at), finish_reason: reason = 'null', ...others } = membersOf(list, start)
    const more = Object.entries(others).map(([name, value]) => `,${JSON.stringify(name)}:${value}`)
    const delta = deltaOf(Buffer.from(message))
    events += event(`"choices":[{"index":${index},"delta":${delta}${more.join('')},"finish_reason":null}]`)
    ends.push(event(`"choices":[{"index":${index},"delta":{},"finish_reason":${reason}}]`))
    return endOfValue(list, start)
  })
  const counts = includesUsage && usage !== undefined ? event(`"choices":[],"usage":${usage}`) : ''
  return events + ends.join('') + counts + DONE_EVENT
}

/** Rewrites a message as a delta: in a stream, tool calls have an index. */
function deltaOf(message: Buffer): string {
  const members = Object.entries(membersOf(message, 0)).map(([name, value]) => {
    const text = name === 'tool_calls' && value.startsWith('[') ? withIndexes(Buffer.from(value)) : value
    return `${JSON.stringify(name)}:${text}`
  })
  return `{${members.join(',')}}`
}

function withIndexes(calls: Buffer): string {
  const items: string[] = []
  visitMembers(calls, 0, (_, start, at) => {
    const end = endOfValue(calls, start)
    const { index: _own, ...members } = membersOf(calls, start)
    const more = Object.entries(members).map(([name, value]) => `,${JSON.stringify(name)}:${value}`)
    items.push(`{"index":${at}${more.join('')}}`)
    return end
  })
  return `[${items.join(',')}]`
}

/** Returns the members that every chunk has: the document's, except those that differ in a stream. */
function commonMembers(json: Buffer): string {
  const { object: _object, choices: _choices, usage: _usage, error: _error, ...others } = membersOf(json, 0)
  const members = Object.entries(others).map(([name, value]) => `${JSON.stringify(name)}:${value},`)
  return `${members.join('')}"object":"chat.completion.chunk",`
}

/** Returns the source text of each member of an object; empty where there is no object at `start`. */
function membersOf(json: Buffer, start: number): Record<string, string> {
  const members: Record<string, string> = Object.create(null)
  if (json[start] !== OPEN_BRACE) return members
  visitMembers(json, start, (keyStart, valueStart) => {
    const end = endOfValue(json, valueStart)
    const name: unknown = parseJson(json.subarray(keyStart, valueStart - 1))
    if (typeof name === 'string') members[name] = json.toString('utf8', valueStart, end)
    return end
  })
  return members
}

const UNREADABLE: TranslatedError = {
  message: 'The provider responded to a streamed request with a document that is not a chat completion.',
  code: 'upstream_unreachable',
}
const OPEN_BRACE = 0x7b
/** Completions have at most a few hundred thousand tokens, or images of a few megabytes. */
const MAX_DOCUMENT_BYTES = 64 * 1024 * 1024

/**
 * Passes through a stream of OpenAI's events and checks its end: a stream that ends early gets an error event. A stream
 * is complete when each of its choices has a finish reason; a missing `[DONE]` is then added.
 */
export class GuardedStream implements ResponseTranslator {
  readonly contentType = undefined
  readonly #blocks = new EventBlocks((block) => this.#pass(block))
  readonly #unfinished = new Set<number>()
  readonly #finished = new Set<number>()
  #passed: Buffer[] = []
  /** `[DONE]` or an error was seen. */
  #hasEnded = false
  failed = false

  /** Returns complete events only, except those that are too long to buffer. */
  push(chunk: Buffer): Buffer {
    this.#blocks.push(chunk)
    return this.#take()
  }

  end(): Buffer {
    this.#blocks.end()
    if (!this.#hasEnded) {
      this.failed = !this.#isWhole
      this.#passed.push(this.#isWhole ? afterPart(DONE_EVENT) : lastEvent(STREAM_CUT_SHORT))
    }
    return this.#take()
  }

  breakOff(message: string): Buffer {
    if (this.#hasEnded) return EMPTY
    return this.#isWhole ? afterPart(DONE_EVENT) : lastEvent({ ...STREAM_CUT_SHORT, message })
  }

  get #isWhole(): boolean {
    return this.#finished.size > 0 && this.#unfinished.size === 0
  }

  #pass(block: Buffer): void {
    this.#passed.push(block)
    const data = eventMessage(block)
    if (data === undefined || this.#hasEnded) return
    if (data.equals(DONE)) {
      this.#hasEnded = true
      return
    }
    const event = parseJson(data)
    if (isErrorEvent(block)) this.#hasEnded = true
    if (!isRecord(event)) return
    if (errorStatusIn(event) !== undefined) this.#hasEnded = true
    else if (Array.isArray(event.choices)) this.#noteChoices(event.choices)
  }

  #noteChoices(choices: readonly unknown[]): void {
    for (const choice of choices) {
      if (!isRecord(choice)) continue
      const index = tokenCount(choice.index) ?? 0
      // Some servers send empty text while there is no reason yet.
      if (typeof choice.finish_reason === 'string' && choice.finish_reason !== '') {
        this.#finished.add(index)
        this.#unfinished.delete(index)
      } else if (!this.#finished.has(index)) this.#unfinished.add(index)
    }
  }

  #take(): Buffer {
    const [only] = this.#passed
    const passed = only !== undefined && this.#passed.length === 1 ? only : Buffer.concat(this.#passed)
    this.#passed = []
    return passed
  }
}

function lastEvent(error: TranslatedError): Buffer {
  return afterPart(errorEvent(error))
}

/** Separates an event from a possibly incomplete one before it. */
function afterPart(event: string): Buffer {
  return Buffer.from(`\n\n${event}`)
}

const DONE = Buffer.from('[DONE]')
const EMPTY = Buffer.alloc(0)
