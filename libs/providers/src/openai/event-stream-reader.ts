import type { TokenUsage } from '@sluice/contracts'
import type { PartialUsage, ResponseReader } from '../provider-adapter.ts'
import { parseJson } from '../wire/json.ts'
import { findLastMember, type MemberSpan, mentionsIn, withoutMember } from '../wire/json-members.ts'
import { hasAddedInput } from '../wire/reported-usage.ts'
import { EventBlocks, eventData, eventMessage, isErrorEvent } from '../wire/sse.ts'
import { StreamedOutput } from '../wire/streamed-output.ts'
import { namedErrorStatus, streamErrorStatus } from './errors.ts'
import { ResponseUsage, readOpenAiUsage } from './usage.ts'

export interface EventStreamOptions {
  /** What the data of an event with output contains. */
  readonly tokenMark: string
  /** The gateway, not the caller, asked for the usage. */
  readonly takesOut: boolean
}

/**
 * Finds the usage in a stream of server-sent events. Where the gateway had asked for it (`takesOut`), the stream that it
 * gives is the one that the caller asked for, byte for byte: without the chunk that has usage and no choices, and without
 * the `"usage":null` that the request for usage adds to every other chunk.
 */
export class EventStreamReader implements ResponseReader {
  readonly #tokenMark: string
  readonly #takesOut: boolean
  readonly #blocks: EventBlocks
  readonly #reported = new ResponseUsage()
  readonly #output = new StreamedOutput()
  #errorStatus: number | undefined
  #passed: Buffer[] = []

  constructor({ tokenMark, takesOut }: EventStreamOptions) {
    this.#tokenMark = tokenMark
    this.#takesOut = takesOut
    this.#blocks = new EventBlocks(takesOut ? (block) => this.#filter(block) : (block) => this.#read(block))
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

  /** Each event with output brings one token, which is how OpenAI streams. */
  get outputTokensSeen(): number {
    return this.#output.seenTokens(this.#reported.reported)
  }

  get errorStatus(): number | undefined {
    return this.#errorStatus
  }

  push(chunk: Buffer): Buffer {
    this.#blocks.push(chunk)
    return this.#takesOut ? this.#takePassed() : chunk
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
      // A null in data of several lines is no harm.
      this.#passed.push(block)
    } else {
      const { keyStart, valueStart, end } = member
      const inBlock = { keyStart: span.start + keyStart, valueStart: span.start + valueStart, end: span.start + end }
      this.#passed.push(...withoutMember(block, inBlock))
    }
  }

  /** Returns whether an event is an error by its name. */
  #noteName(block: Buffer): boolean {
    if (!isErrorEvent(block)) return false
    this.#errorStatus ??= namedErrorStatus(eventMessage(block) ?? block)
    return true
  }

  /** Reads an event's data. Returns where the usage stands that is theirs, and not that of something in them. */
  #note(data: Buffer): MemberSpan | undefined {
    // Searching text is faster than searching bytes, several times over; the names are ASCII in any encoding.
    const text = data.toString('latin1')
    const hasOutput = text.includes(this.#tokenMark)
    if (hasOutput) this.#output.see(1)
    const mentions = mentionsIn(text)
    // An error may come beside output.
    if (mentions.error > 0) this.#errorStatus = streamErrorStatus(data, mentions) ?? this.#errorStatus
    if (mentions.usage === 0) return undefined
    if (mentions.usage === 1 && text.endsWith(NO_USAGE_YET)) {
      // As all chunks but the last end: the member that closes the document is the document's.
      const { length } = text
      return { keyStart: length - NO_USAGE_YET.length, valueStart: length - NULL_END.length, end: length - 1 }
    }
    const member = findLastMember(data, 'usage', 1)
    if (member !== undefined && mentions.usage === 1 && mentions.besideUsage === 0) {
      if (isNull(data, member)) return member
      this.#reported.add(readOpenAiUsage(parseJson(data.subarray(member.valueStart, member.end))))
    } else this.#reported.addDocument(parseJson(data))
    // What a response begins with counts no output of it.
    if (!BEGINNING.test(text)) this.#output.report(this.#reported.reported, !hasOutput)
    return member
  }
}

function isNull(data: Buffer, member: MemberSpan): boolean {
  return data[member.valueStart] === LETTER_N
}

/** None, null, or an empty list of them. */
function hasNoChoices(data: Buffer): boolean {
  const member = findLastMember(data, 'choices', 1)
  return member === undefined || NO_CHOICES.test(data.toString('latin1', member.valueStart, member.end))
}

/** The first events of a response, wherever their type stands. */
const BEGINNING = /"type"\s*:\s*"response\.(?:created|queued|in_progress)"/
const NULL_END = 'null}'
const NO_USAGE_YET = `"usage":${NULL_END}`
const LETTER_N = 0x6e
const NO_CHOICES = /^(?:\[\s*\]|null)$/
