import { isRecord, recordsOf } from '../core/json.ts'

type Json = Readonly<Record<string, unknown>>

/** A conversation that is kept between turns. */
interface Thread {
  readonly messages: readonly unknown[]
  /** The parameters that a continuing request inherits, and may not repeat. */
  readonly fields: Json
}

/** The complete request, or what the API says is wrong with it. */
type ThreadedRequest =
  | { readonly json: Json; hold(messageId: string, content: readonly object[]): void }
  | { readonly problem: string; readonly status: 400 | 404 }

/**
 * Keeps conversations, as the beta `message-threads-2026-08-12` does: a request with `thread: {type: 'create'}` is kept
 * under the id of its response, and one with `{type: 'continue', previous_message_id}` has only the new messages. The
 * tool runner of Anthropic's SDK does so by default.
 * @see `BetaMessageThreadParam` in @anthropic-ai/sdk 1.14
 */
export class Threads {
  readonly #byMessageId = new Map<string, Thread>()

  /** Returns the request with its whole conversation; undefined if it names no thread. */
  resolve(json: Json, beta: unknown): ThreadedRequest | undefined {
    const { thread, ...alone } = json
    if (thread === undefined || thread === null || !String(beta).includes(BETA)) return undefined
    if (isRecord(thread) && thread.type === 'create') return this.#request(alone)
    const id = isRecord(thread) && thread.type === 'continue' ? String(thread.previous_message_id) : undefined
    if (id === undefined) return { problem: "thread.type: Input should be 'create' or 'continue'", status: 400 }
    const held = this.#byMessageId.get(id)
    if (held === undefined) return { problem: `thread.previous_message_id: ${id} not found`, status: 404 }
    const repeated = HELD_FIELDS.find((field) => json[field] !== undefined)
    if (repeated !== undefined) return { problem: `${repeated}: cannot be set when continuing a thread`, status: 400 }
    return this.#request({ ...held.fields, ...alone, messages: [...held.messages, ...recordsOf(json.messages)] })
  }

  #request(json: Json): ThreadedRequest {
    return {
      json,
      hold: (messageId, content) => {
        const fields = Object.fromEntries(
          HELD_FIELDS.filter((field) => field in json).map((field) => [field, json[field]]),
        )
        const messages = [...recordsOf(json.messages), { role: 'assistant', content }]
        this.#byMessageId.set(messageId, { messages, fields })
        const [oldest] = this.#byMessageId.keys()
        if (this.#byMessageId.size > MAX_THREADS && oldest !== undefined) this.#byMessageId.delete(oldest)
      },
    }
  }
}

const BETA = 'message-threads-2026-08-12'
const HELD_FIELDS = ['system', 'tools'] as const
const MAX_THREADS = 1_000
