import { createHash } from 'node:crypto'
import type { Refusal } from '../unified-api.ts'
import type { AssistantMessage, ToolCall } from './chat-request.ts'
import { refuse } from './refusal.ts'

interface OpenCall {
  /** The id to send to the provider. */
  readonly sentId: string
  /** The parameter's path. */
  readonly path: string
}

/**
 * The tool calls of a conversation that have no result yet: each needs one before the next assistant message. Assigns
 * the ids under which calls and results are sent to the provider.
 */
export class OpenCalls {
  readonly #fits: RegExp
  /** By the application's ids. Where several calls share an id, results are matched in the order of the calls. */
  readonly #open = new Map<string, OpenCall[]>()
  /** The number of calls of each id. */
  readonly #calls = new Map<string, number>()

  /** @param fits the pattern of ids that the provider accepts */
  constructor(fits: RegExp) {
    this.#fits = fits
  }

  /** Returns the message's calls with the ids to send. @param path the message's */
  open({ tool_calls: calls = [] }: AssistantMessage, path: string): ToolCall[] {
    return calls.map((call, index) => {
      const { id } = call
      const earlier = this.#calls.get(id) ?? 0
      this.#calls.set(id, earlier + 1)
      const sentId = sentCallId(id, earlier, this.#fits)
      const open = this.#open.get(id) ?? []
      open.push({ sentId, path: `${path}.tool_calls.${index}` })
      this.#open.set(id, open)
      return { ...call, id: sentId }
    })
  }

  /** Matches a result with its call. Returns the id to send. @param path the message's */
  close(id: string, path: string): string | Refusal {
    const calls = this.#open.get(id)
    const call = calls?.shift()
    if (calls?.length === 0) this.#open.delete(id)
    if (call !== undefined) return call.sentId
    return refuse(`${path}.tool_call_id`, `No earlier assistant message has an open tool call "${id}".`)
  }

  /** Refuses calls without a result; undefined where every call has one. */
  refusal(): Refusal | undefined {
    for (const [id, [call]] of this.#open) {
      if (call !== undefined)
        return refuse(call.path, `The tool call "${id}" has no result in the messages that follow.`)
    }
    return undefined
  }
}

/**
 * Returns the id to send for a tool call: its own where the provider accepts it, otherwise a digest of it. The digest
 * is the same in every request that repeats the conversation, so that the provider's prompt cache keeps hitting.
 * @param earlier how many calls of this id came before: providers require unique ids
 */
export function sentCallId(id: string, earlier: number, fits: RegExp): string {
  // An id that looks like a digest could collide with one.
  if (earlier === 0 && fits.test(id) && !DIGEST.test(id)) return id
  // Not UTF-8, which encodes every lone surrogate alike.
  const digest = createHash('sha256').update(`${earlier}:`).update(Buffer.from(id, 'utf16le')).digest('base64url')
  return `sluice_${digest.slice(0, DIGEST_CHARS)}`
}

/** 192 bits. With the prefix, short enough for OpenAI (40 characters) and AWS Bedrock (64), too. */
const DIGEST_CHARS = 32
const DIGEST = /^sluice_[\w-]{32}$/
