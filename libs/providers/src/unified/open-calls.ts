import type { Refusal } from '../unified-api.ts'
import type { AssistantMessage } from './chat-request.ts'
import { refuse } from './refusal.ts'

/** The tool calls of a conversation whose results are still to come: each must have one, before the next answer. */
export class OpenCalls {
  /** Their parameters' paths, by id. */
  readonly #paths = new Map<string, string>()

  /** @param path the message's */
  open({ tool_calls: calls = [] }: AssistantMessage, path: string): void {
    for (const [index, { id }] of calls.entries()) this.#paths.set(id, `${path}.tool_calls.${index}`)
  }

  /** Takes the result of a call. @param path the message's */
  close(id: string, path: string): Refusal | undefined {
    if (this.#paths.delete(id)) return undefined
    return refuse(`${path}.tool_call_id`, `The assistant message before has no tool call "${id}" without a result.`)
  }

  /** Undefined where all have their results. */
  refusal(): Refusal | undefined {
    for (const [id, path] of this.#paths) {
      return refuse(path, `The messages that follow have no result of the tool call "${id}".`)
    }
    return undefined
  }
}
