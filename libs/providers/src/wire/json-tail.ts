import type { TokenUsage } from '@sluice/contracts'
import type { PartialUsage, ResponseReader } from '../provider-adapter.ts'
import { isRecord, parseJson } from './json.ts'
import { findFirstMember, findLastMember, isCrowded, type MemberSpan } from './json-members.ts'
import { type Mentions, mayHoldError, mentionsIn } from './mentions.ts'
import { hasAddedInput, highest, partialUsage, type ReportedUsage, wholeUsage } from './reported-usage.ts'

interface JsonTailOptions {
  /** Finds the usage in a document, or in the kept parts of it; never throws. */
  readonly findUsage: (json: JsonEnds) => ReportedUsage | undefined
  /** The operation has no output: usage without output tokens is complete. */
  readonly withoutOutput?: boolean
  /** Reads the status of an error in a document sent with 200; usage may stand beside the error. */
  readonly errorStatusIn: (document: unknown) => number | undefined
}

/**
 * Finds the usage in a JSON response that is not streamed. Providers put it near the end, some near the beginning: only
 * these parts are kept and searched, however long the response is (embeddings can have many megabytes).
 */
export class JsonTailReader implements ResponseReader {
  readonly outputTokensSeen = 0
  errorStatus: number | undefined
  readonly #options: JsonTailOptions
  #head: Buffer[] = []
  #headBytes = 0
  #tail: Buffer[] = []
  #tailBytes = 0
  #isCut = false
  #reported: ReportedUsage | undefined

  constructor(options: JsonTailOptions) {
    this.#options = options
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

  push(chunk: Buffer): Buffer {
    if (this.#headBytes < HEAD_BYTES) this.#keepHead(chunk)
    this.#tail.push(chunk)
    this.#tailBytes += chunk.length
    for (let first = this.#tail[0]; first !== undefined; first = this.#tail[0]) {
      if (this.#tailBytes - first.length < TAIL_BYTES) break
      this.#tailBytes -= first.length
      this.#tail.shift()
      this.#isCut = true
    }
    return chunk
  }

  /** May be called again, as after an aborted response: that finds nothing new. */
  end(): Buffer {
    if (this.#tail.length === 0) return EMPTY
    const tail = joined(this.#tail)
    const { findUsage, withoutOutput = false, errorStatusIn } = this.#options
    const text = tail.toString('latin1')
    const mentions = mentionsIn(text)
    const found = findUsage(this.#isCut ? { tail, text, mentions, head: joined(this.#head) } : { tail, text, mentions })
    this.#reported =
      withoutOutput && found !== undefined ? { ...found, outputTokens: highest(found.outputTokens, 0) } : found
    if (!this.#isCut && mayHoldError(tail, mentions)) this.errorStatus = errorStatusIn(parseJson(tail))
    this.#tail = []
    this.#head = []
    return EMPTY
  }

  #keepHead(chunk: Buffer): void {
    const kept = chunk.subarray(0, HEAD_BYTES - this.#headBytes)
    this.#headBytes += kept.length
    this.#head.push(kept)
  }
}

function joined(pieces: readonly Buffer[]): Buffer {
  const [only] = pieces
  return only !== undefined && pieces.length === 1 ? only : Buffer.concat(pieces)
}

/** Bytes kept at least: some responses repeat tools and metadata after their output. */
const TAIL_BYTES = 256 * 1024
/** Bytes kept of the beginning: a usage before the output is among the first members. */
const HEAD_BYTES = 16 * 1024
const EMPTY = Buffer.alloc(0)

/** A JSON document, or the kept parts of a long one. */
export interface JsonEnds {
  /** The document, or its last part. */
  readonly tail: Buffer
  /** The tail in Latin-1, which keeps ASCII. */
  readonly text: string
  /** Counts of names in the tail. */
  readonly mentions: Mentions
  /** The first part, where `tail` is not the whole document. */
  readonly head?: Buffer
}

/**
 * Finds a member `name` at one of `depths` (1: in the document itself, 3: in an object in a list in it) whose value
 * `read` accepts; the first such depth counts. Returns undefined where there is none, or it is not JSON.
 */
export function findUsage<Usage>(
  { tail, text, head }: JsonEnds,
  name: string,
  depths: readonly number[],
  read: (value: unknown) => Usage | undefined,
): Usage | undefined {
  for (const depth of depths) {
    const usage = readMember(text, findLastMember(tail, name, depth), read)
    if (usage !== undefined) return usage
  }
  if (head !== undefined) return readMember(head.toString('latin1'), findFirstMember(head, name), read)
  // Too many others have the same name, for example in tool schemas that a response repeats.
  if (!isCrowded(tail, name)) return undefined
  const document = parseJson(tail)
  for (const depth of depths) {
    for (const value of membersAt(document, name, depth)) {
      const usage = read(value)
      if (usage !== undefined) return usage
    }
  }
  return undefined
}

/** Parses from Latin-1: counts are ASCII, and other text does not matter. */
function readMember<Usage>(
  text: string,
  member: MemberSpan | undefined,
  read: (value: unknown) => Usage | undefined,
): Usage | undefined {
  if (member === undefined) return undefined
  try {
    return read(JSON.parse(text.slice(member.valueStart, member.end)))
  } catch {
    // The upstream's text is not JSON: its usage is unknown.
    return undefined
  }
}

function membersAt(value: unknown, name: string, depth: number): readonly unknown[] {
  if (depth === 1) return isRecord(value) ? [value[name]] : []
  const inner: readonly unknown[] = Array.isArray(value) ? value : isRecord(value) ? Object.values(value) : []
  return inner.flatMap((item) => membersAt(item, name, depth - 1))
}
