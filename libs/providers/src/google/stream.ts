import { ChatChunks, type ChatDelta, type FinishReason } from '../unified/chat-completion.ts'
import {
  errorEvent,
  type StreamDialect,
  StreamTranslator,
  UNSUPPORTED_CONTENT,
  unreadable,
} from '../unified/response-translators.ts'
import type { RequestedResponse, ResponseTranslator, TranslatedError } from '../unified-api.ts'
import { JsonArraySplitter } from '../wire/json-array.ts'
import { parseWithSource } from '../wire/json-source.ts'
import { FirstBytesSplitter } from '../wire/response-form.ts'
import type { MessageSplitter } from '../wire/usage-reader.ts'
import { readError } from './errors.ts'
import { signed } from './reasoning.ts'
import {
  CALL_ARGUMENTS,
  type Candidate,
  finishOf,
  type ResponsePart,
  readLogprobs,
  readResponseChunk,
} from './response.ts'
import { eventOrErrorSplitter } from './response-reader.ts'
import { ToolCalls } from './tools.ts'
import { addGoogleUsage, type GoogleUsage, totalUsage } from './usage.ts'

/** Translates a streamed response to the events of a chat completion. */
export function generateContentStream(requested: RequestedResponse): ResponseTranslator {
  return new StreamTranslator(eventOrArraySplitter, new GenerateContentDialect(requested))
}

/** Splits events or an array of objects; the first bytes show which. */
function eventOrArraySplitter(visit: (message: Buffer) => void): MessageSplitter {
  return new FirstBytesSplitter((form) =>
    form === 'json' ? new JsonArraySplitter(visit) : eventOrErrorSplitter(visit),
  )
}

/** Translates the chunks of a streamed response. A function call arrives whole, and becomes one delta. */
class GenerateContentDialect implements StreamDialect {
  failed = false
  readonly #events: ChatChunks
  readonly #toolCalls: ToolCalls
  readonly #choices = new Map<number, Choice>()
  #usage: GoogleUsage | undefined
  #isBlocked = false

  constructor(requested: RequestedResponse) {
    this.#events = new ChatChunks(requested)
    this.#toolCalls = new ToolCalls(requested.responseId)
  }

  translate(message: Buffer): string {
    const parsed = parseWithSource(message, CALL_ARGUMENTS)
    const error = readError(parsed)
    if (error !== undefined) return this.#fail(error)
    const chunk = readResponseChunk(parsed)
    if (chunk === undefined) return this.#fail(UNREADABLE)
    this.#usage = addGoogleUsage(this.#usage, chunk.usageMetadata)
    if (chunk.blockReason !== undefined) this.#isBlocked = true
    let events = ''
    for (const candidate of chunk.candidates) {
      events += this.#candidate(candidate)
      if (this.failed) break
    }
    return events
  }

  /** Writes the finish reasons last, because other chunks may follow the one with the reason. */
  finish(): string | undefined {
    if (this.#choices.size === 0 && this.#isBlocked) this.#choices.set(0, { calls: 0, reason: 'content_filter' })
    if (this.#choices.size === 0) return undefined
    let events = ''
    for (const [index, { reason }] of this.#choices) {
      if (reason === undefined) return undefined
      events += this.#events.finish(reason, index)
    }
    return events + this.#events.end(totalUsage(this.#usage))
  }

  #candidate(candidate: Candidate): string {
    const { index, parts, logprobsResult } = candidate
    const choice = this.#choices.get(index) ?? { calls: 0, reason: undefined }
    this.#choices.set(index, choice)
    if (parts.some(({ kind }) => kind === 'unsupported')) return this.#fail(UNSUPPORTED_CONTENT)
    const deltas = parts.flatMap((part) => this.#deltas(part, choice))
    const logprobs = readLogprobs(logprobsResult)
    if (deltas.length === 0 && logprobs !== null) deltas.push({})
    const events = deltas.map((delta, at) => this.#events.delta(delta, index, at === 0 ? logprobs : null)).join('')
    // A chunk without a finish reason may have this value.
    if (candidate.finishReason === undefined || candidate.finishReason === 'FINISH_REASON_UNSPECIFIED') return events
    const finish = finishOf(candidate, choice.calls > 0)
    if ('failure' in finish) return events + this.#fail(finish.failure)
    choice.reason = finish.reason
    return events
  }

  #deltas(part: ResponsePart, choice: Choice): ChatDelta[] {
    switch (part.kind) {
      case 'text': {
        const delta = { ...(part.text === '' ? {} : { content: part.text }), ...signed(part.signature) }
        return Object.keys(delta).length === 0 ? [] : [delta]
      }
      case 'thought':
        return part.text === '' ? [] : [{ reasoning_content: part.text }]
      case 'call':
        return [{ tool_calls: [{ index: choice.calls++, ...this.#toolCalls.toToolCall(part) }] }]
      case 'unsupported':
        return []
    }
  }

  #fail(error: TranslatedError): string {
    this.failed = true
    return errorEvent(error)
  }
}

/** The state of a choice so far. */
interface Choice {
  calls: number
  reason: FinishReason | undefined
}

const UNREADABLE = unreadable('Google')
