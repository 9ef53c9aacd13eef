import { createHash } from 'node:crypto'
import type { Refusal } from '../unified-api.ts'
import type { AssistantMessage, ToolCall } from './chat-request.ts'
import { refuse } from './refusal.ts'

interface OpenCall {
  /** The id that the provider sees. */
  readonly sentId: string
  /** The parameter's. */
  readonly path: string
}

/**
 * The tool calls of a conversation whose results are still to come: each must have one, before the next response. Finds the ids by which
 * the provider sees calls and results.
 */
export class OpenCalls {
  readonly #fits: RegExp
  /** By the ids that the application sends. Servers that give all calls one id get the results in the calls' order. */
  readonly #open = new Map<string, OpenCall[]>()
  /** How many calls of an id there have been. */
  readonly #calls = new Map<string, number>()

  /** @param fits what an id must match so that the provider takes it */
  constructor(fits: RegExp) {
    this.#fits = fits
  }

  /** Returns the message's calls as the provider is to see them. @param path the message's */
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

  /** Takes the result of a call. Returns the id to send. @param path the message's */
  close(id: string, path: string): string | Refusal {
    const calls = this.#open.get(id)
    const call = calls?.shift()
    if (calls?.length === 0) this.#open.delete(id)
    if (call !== undefined) return call.sentId
    return refuse(`${path}.tool_call_id`, `The assistant message before has no tool call "${id}" without a result.`)
  }

  /** Undefined where all have their results. */
  refusal(): Refusal | undefined {
    for (const [id, [call]] of this.#open) {
      if (call !== undefined)
        return refuse(call.path, `The messages that follow have no result of the tool call "${id}".`)
    }
    return undefined
  }
}

/**
 * The id by which a provider sees a tool call: its own where the provider takes it, otherwise a digest of it. That is the same in every
 * request that repeats the conversation, so that the provider's prompt cache holds, and different for different ids.
 * @param earlier how many calls of this id the conversation has had before: providers want each id once
 */
export function sentCallId(id: string, earlier: number, fits: RegExp): string {
  // An id that looks like a digest could be that of another.
  if (earlier === 0 && fits.test(id) && !DIGEST.test(id)) return id
  // Not as UTF-8, in which all halves of surrogate pairs are the same.
  const digest = createHash('sha256').update(`${earlier}:`).update(Buffer.from(id, 'utf16le')).digest('base64url')
  return `sluice_${digest.slice(0, DIGEST_CHARS)}`
}

/** 192 bits. With the prefix, short enough for OpenAI (40 characters) and AWS Bedrock (64), too. */
const DIGEST_CHARS = 32
const DIGEST = /^sluice_[\w-]{32}$/
