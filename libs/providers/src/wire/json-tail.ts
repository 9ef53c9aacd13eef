import type { TokenUsage } from '@sluice/contracts'
import type { PartialUsage, ResponseReader } from '../provider-adapter.ts'
import { isRecord, parseJson } from './json.ts'
import {
  findFirstMember,
  findLastMember,
  isCrowded,
  type MemberSpan,
  type Mentions,
  mayHoldError,
  mentionsIn,
} from './json-members.ts'
import { hasAddedInput, highest, partialUsage, type ReportedUsage, wholeUsage } from './reported-usage.ts'

export interface JsonTailOptions {
  /** Finds what a document, or what is kept of it, reports; never throws. */
  readonly findUsage: (json: JsonEnds) => ReportedUsage | undefined
  /** The operation has no output: a response that reports none of it has reported all. */
  readonly withoutOutput?: boolean
  /** Reads the status of the error that a document, sent with 200, is or holds; it may report usage beside it. */
  readonly errorStatusIn: (document: unknown) => number | undefined
}

/**
 * Finds the usage in a JSON answer that is not streamed. Providers have it towards their answers' end, some towards the beginning, so
 * that only these are kept and looked at, however long the answer (embeddings run to many megabytes) is.
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

  /** Called again, as of an answer that could not be passed on to its end, finds nothing new. */
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

/** What is kept at least; some answers repeat their tools and metadata after their output. */
const TAIL_BYTES = 256 * 1024
/** A usage before the output is among the first members. */
const HEAD_BYTES = 16 * 1024
const EMPTY = Buffer.alloc(0)

/** A JSON document, or what is left of a long one. */
export interface JsonEnds {
  /** All of it, or its last part. */
  readonly tail: Buffer
  /** The tail in Latin-1, in which ASCII is as it is. */
  readonly text: string
  /** What the tail mentions. */
  readonly mentions: Mentions
  /** The first part, where `tail` is not all of it. */
  readonly head?: Buffer
}

/**
 * Looks for a member `name` whose object is one of `depths` deep (1: the document itself, 3: an object in a list in it), and has
 * `read` make usage of its value; the first depth at which it does counts. Returns undefined where there is none, or no JSON.
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
  // Too many others are of the same name, as in tools' schemas that a response repeats.
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

/** Reads counts, which are ASCII: what a text beside them says does not matter. */
function readMember<Usage>(
  text: string,
  member: MemberSpan | undefined,
  read: (value: unknown) => Usage | undefined,
): Usage | undefined {
  if (member === undefined) return undefined
  try {
    return read(JSON.parse(text.slice(member.valueStart, member.end)))
  } catch {
    // What an upstream sends need not be JSON: then its usage is unknown.
    return undefined
  }
}

function membersAt(value: unknown, name: string, depth: number): readonly unknown[] {
  if (depth === 1) return isRecord(value) ? [value[name]] : []
  const inner: readonly unknown[] = Array.isArray(value) ? value : isRecord(value) ? Object.values(value) : []
  return inner.flatMap((item) => membersAt(item, name, depth - 1))
}
