import type { TokenUsage } from '@sluice/contracts'
import type { PartialUsage, ResponseReader } from '../provider-adapter.ts'
import { parseJson } from '../wire/json.ts'
import { findLastMember, type MemberSpan, withoutMember } from '../wire/json-members.ts'
import { mentionsIn } from '../wire/mentions.ts'
import { hasAddedInput } from '../wire/reported-usage.ts'
import { EventBlocks, eventData, eventMessage, isErrorEvent } from '../wire/sse.ts'
import { StreamedOutput } from '../wire/streamed-output.ts'
import { namedErrorStatus, streamErrorStatus } from './errors.ts'
import { ResponseUsage, readOpenAiUsage } from './usage.ts'

interface EventStreamOptions {
  /** Text that the data of every event with output contains. */
  readonly tokenMark: string
  /** The gateway and not the caller requested the usage: remove it again. */
  readonly removesUsage: boolean
}

/**
 * Finds the usage in a stream of server-sent events. Where the gateway requested it (`removesUsage`), passes on the
 * stream that the caller requested, byte for byte: without the chunk that has usage and no choices, and without the
 * `"usage":null` that the request for usage adds to every other chunk.
 */
export class EventStreamReader implements ResponseReader {
  readonly #tokenMark: string
  readonly #removesUsage: boolean
  readonly #blocks: EventBlocks
  readonly #reported = new ResponseUsage()
  readonly #output = new StreamedOutput()
  #errorStatus: number | undefined
  #passed: Buffer[] = []

  constructor({ tokenMark, removesUsage }: EventStreamOptions) {
    this.#tokenMark = tokenMark
    this.#removesUsage = removesUsage
    this.#blocks = new EventBlocks(removesUsage ? (block) => this.#filter(block) : (block) => this.#read(block))
  }

  get usage(): TokenUsage | undefined {
    return this.#output.usage(this.#reported.reported)
  }

  get partialUsage(): PartialUsage | undefined {
    return this.#output.partialUsage(this.#reported.reported)
  }

  get providerAddedInput(): boolean {
    return hasAddedInput(this.#reported.reported)
  }

  /** Counts one token per event with output, as OpenAI streams them. */
  get outputTokensSeen(): number {
    return this.#output.seenTokens(this.#reported.reported)
  }

  get errorStatus(): number | undefined {
    return this.#errorStatus
  }

  push(chunk: Buffer): Buffer {
    this.#blocks.push(chunk)
    return this.#removesUsage ? this.#takePassed() : chunk
  }

  end(): Buffer {
    this.#blocks.end()
    return this.#takePassed()
  }

  #takePassed(): Buffer {
    const [only] = this.#passed
    const passed = only !== undefined && this.#passed.length === 1 ? only : Buffer.concat(this.#passed)
    this.#passed = []
    return passed
  }

  #read(block: Buffer): void {
    const data = eventMessage(block)
    if (data === undefined) return
    this.#note(data)
    this.#noteName(block)
  }

  #filter(block: Buffer): void {
    const span = eventData(block)
    const data = span === undefined ? eventMessage(block) : block.subarray(span.start, span.end)
    const member = data && this.#note(data)
    const isError = this.#noteName(block)
    if (data === undefined || member === undefined || isError) {
      this.#passed.push(block)
    } else if (!isNull(data, member)) {
      if (!hasNoChoices(data) || streamErrorStatus(data) !== undefined) this.#passed.push(block)
    } else if (span === undefined) {
      // A null in data of several lines does no harm.
      this.#passed.push(block)
    } else {
      const { keyStart, valueStart, end } = member
      const inBlock = { keyStart: span.start + keyStart, valueStart: span.start + valueStart, end: span.start + end }
      this.#passed.push(...withoutMember(block, inBlock))
    }
  }

  /** Notes an event whose name is `error`; returns whether it is one. */
  #noteName(block: Buffer): boolean {
    if (!isErrorEvent(block)) return false
    this.#errorStatus ??= namedErrorStatus(eventMessage(block) ?? block)
    return true
  }

  /** Reads an event's data. Returns the position of its own usage, not of a nested one. */
  #note(data: Buffer): MemberSpan | undefined {
    // Searching a string is several times faster than searching bytes; the names are ASCII in any encoding.
    const text = data.toString('latin1')
    const hasOutput = text.includes(this.#tokenMark)
    if (hasOutput) this.#output.see(1)
    const mentions = mentionsIn(text)
    // An error may come together with output.
    if (mentions.error > 0) this.#errorStatus = streamErrorStatus(data, mentions) ?? this.#errorStatus
    if (mentions.usage === 0) return undefined
    if (mentions.usage === 1 && text.endsWith(NO_USAGE_YET)) {
      // All chunks but the last end like this: a member right before the closing brace is the document's own.
      const { length } = text
      return { keyStart: length - NO_USAGE_YET.length, valueStart: length - NULL_END.length, end: length - 1 }
    }
    const member = findLastMember(data, 'usage', 1)
    if (member !== undefined && mentions.usage === 1 && mentions.besideUsage === 0) {
      if (isNull(data, member)) return member
      this.#reported.add(readOpenAiUsage(parseJson(data.subarray(member.valueStart, member.end))))
    } else this.#reported.addDocument(parseJson(data))
    // The usage in a response's first events does not count its output.
    if (!BEGINNING.test(text)) this.#output.report(this.#reported.reported, !hasOutput)
    return member
  }
}

function isNull(data: Buffer, member: MemberSpan): boolean {
  return data[member.valueStart] === LETTER_N
}

/** Returns whether `choices` is missing, null or empty. */
function hasNoChoices(data: Buffer): boolean {
  const member = findLastMember(data, 'choices', 1)
  return member === undefined || NO_CHOICES.test(data.toString('latin1', member.valueStart, member.end))
}

/** The types of a response's first events. */
const BEGINNING = /"type"\s*:\s*"response\.(?:created|queued|in_progress)"/
const NULL_END = 'null}'
const NO_USAGE_YET = `"usage":${NULL_END}`
const LETTER_N = 0x6e
const NO_CHOICES = /^(?:\[\s*\]|null)$/
