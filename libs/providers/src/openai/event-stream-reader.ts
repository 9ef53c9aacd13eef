import type { TokenUsage } from '@sluice/contracts'
import type { AnswerReader, PartialUsage } from '../provider-adapter.ts'
import { EventBlocks } from '../wire/event-blocks.ts'
import { eventData, eventMessage } from '../wire/event-data.ts'
import { findLastMember, type MemberSpan, withoutMember } from '../wire/json-member.ts'
import { hasAddedInput, highestCounts, partialUsage, type ReportedUsage, wholeUsage } from '../wire/reported-usage.ts'
import { streamErrorStatus } from './stream-error.ts'
import { findOpenAiUsage } from './usage.ts'

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
export class EventStreamReader implements AnswerReader {
  readonly #tokenMark: string
  readonly #takesOut: boolean
  readonly #blocks: EventBlocks
  #reported: ReportedUsage | undefined
  #outputTokensSeen = 0
  #errorStatus: number | undefined
  #passed: Buffer[] = []

  constructor({ tokenMark, takesOut }: EventStreamOptions) {
    this.#tokenMark = tokenMark
    this.#takesOut = takesOut
    this.#blocks = new EventBlocks(takesOut ? (block) => this.#filter(block) : (block) => this.#read(block))
  }

  get usage(): TokenUsage | undefined {
    return wholeUsage(this.#reported)
  }

  get partialUsage(): PartialUsage | undefined {
    return partialUsage(this.#reported)
  }

  get providerAddedInput(): boolean {
    return hasAddedInput(this.#reported)
  }

  /** Each event with output brings one token, which is how OpenAI streams. */
  get outputTokensSeen(): number {
    return this.#outputTokensSeen
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
    if (data !== undefined) this.#note(data)
  }

  #filter(block: Buffer): void {
    const span = eventData(block)
    if (span === undefined) {
      this.#read(block)
      this.#passed.push(block)
      return
    }
    const data = block.subarray(span.start, span.end)
    const member = this.#note(data)
    if (member === undefined) {
      this.#passed.push(block)
    } else if (isNull(data, member)) {
      this.#passed.push(block.subarray(0, span.start), ...withoutMember(data, member), block.subarray(span.end))
    } else if (!hasNoChoices(data) || streamErrorStatus(data) !== undefined) this.#passed.push(block)
  }

  /** Reads an event's data. Returns where the usage stands that is theirs, and not that of something in them. */
  #note(data: Buffer): MemberSpan | undefined {
    // Searching text is faster than searching bytes, several times over; the names are ASCII in any encoding.
    const text = data.toString('latin1')
    if (text.includes(this.#tokenMark)) this.#outputTokensSeen++
    // An error may come beside output.
    if (text.includes(ERROR_KEY)) this.#errorStatus = streamErrorStatus(data) ?? this.#errorStatus
    const first = text.indexOf(USAGE_KEY)
    if (first < 0) return undefined
    if (text.endsWith(NO_USAGE_YET) && first === text.length - NO_USAGE_YET.length) {
      // As all chunks but the last end: the member that closes the document is the document's.
      return { keyStart: first, valueStart: text.length - NULL_END.length, end: text.length - 1 }
    }
    const member = findLastMember(data, 'usage', 1)
    const isOnlyNull = member !== undefined && isNull(data, member) && first === text.lastIndexOf(USAGE_KEY)
    if (!isOnlyNull) this.#noteUsage(findOpenAiUsage({ tail: data }))
    return member
  }

  #noteUsage(usage: ReportedUsage | undefined): void {
    if (usage !== undefined) this.#reported = highestCounts(this.#reported, usage)
  }
}

function isNull(data: Buffer, member: MemberSpan): boolean {
  return data[member.valueStart] === LETTER_N
}

function hasNoChoices(data: Buffer): boolean {
  const member = findLastMember(data, 'choices', 1)
  return member !== undefined && EMPTY_ARRAY.test(data.toString('latin1', member.valueStart, member.end))
}

const ERROR_KEY = '"error"'
const USAGE_KEY = '"usage"'
const NULL_END = 'null}'
const NO_USAGE_YET = `${USAGE_KEY}:${NULL_END}`
const LETTER_N = 0x6e
const EMPTY_ARRAY = /^\[\s*\]$/
