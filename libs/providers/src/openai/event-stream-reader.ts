import type { TokenUsage } from '@sluice/contracts'
import type { AnswerReader } from '../provider-adapter.ts'
import { EventBlocks } from '../wire/event-blocks.ts'
import { eventData } from '../wire/event-data.ts'
import { findLastMember, type MemberSpan, memberValue, withoutMember } from '../wire/json-member.ts'
import { streamErrorStatus } from './stream-error.ts'
import { readOpenAiUsage } from './usage.ts'

export interface EventStreamOptions {
  /** How many objects deep in an event's data the usage may stand, the likeliest first. */
  readonly usageDepths: readonly number[]
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
  readonly #usageDepths: readonly number[]
  readonly #tokenMark: string
  readonly #takesOut: boolean
  readonly #blocks: EventBlocks
  #usage: TokenUsage | undefined
  #outputTokensSeen = 0
  #errorStatus: number | undefined
  #passed: Buffer[] = []

  constructor({ usageDepths, tokenMark, takesOut }: EventStreamOptions) {
    this.#usageDepths = usageDepths
    this.#tokenMark = tokenMark
    this.#takesOut = takesOut
    this.#blocks = new EventBlocks(takesOut ? (block) => this.#filter(block) : (block) => this.#read(block))
  }

  get usage(): TokenUsage | undefined {
    return this.#usage
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
    const span = eventData(block)
    if (span === undefined) return
    const data = block.subarray(span.start, span.end)
    const member = this.#findUsage(data)
    if (member !== undefined) this.#noteUsage(data, member)
  }

  #filter(block: Buffer): void {
    const span = eventData(block)
    const data = span && block.subarray(span.start, span.end)
    const member = data && this.#findUsage(data)
    if (span === undefined || data === undefined || member === undefined) {
      this.#passed.push(block)
    } else if (isNull(data, member)) {
      this.#passed.push(block.subarray(0, span.start), ...withoutMember(data, member), block.subarray(span.end))
    } else {
      this.#noteUsage(data, member)
      if (!hasNoChoices(data)) this.#passed.push(block)
    }
  }

  #findUsage(data: Buffer): MemberSpan | undefined {
    if (data.includes(this.#tokenMark)) this.#outputTokensSeen++
    else this.#errorStatus = streamErrorStatus(data) ?? this.#errorStatus
    for (const depth of this.#usageDepths) {
      const member = findLastMember(data, 'usage', depth)
      if (member !== undefined) return member
    }
    return undefined
  }

  #noteUsage(data: Buffer, member: MemberSpan): void {
    try {
      this.#usage = readOpenAiUsage(memberValue(data, member)) ?? this.#usage
    } catch {
      // What an upstream sends need not be JSON: then its usage is unknown.
    }
  }
}

function isNull(data: Buffer, member: MemberSpan): boolean {
  return data[member.valueStart] === LETTER_N
}

function hasNoChoices(data: Buffer): boolean {
  const member = findLastMember(data, 'choices', 1)
  return member !== undefined && EMPTY_ARRAY.test(data.toString('latin1', member.valueStart, member.end))
}

const LETTER_N = 0x6e
const EMPTY_ARRAY = /^\[\s*\]$/
