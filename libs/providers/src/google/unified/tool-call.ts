import type { ExtraContent, ResponseToolCall } from '../../unified/answer-message.ts'
import type { CallPart } from './answer-chunk.ts'
import { signed } from './thought-signature.ts'

export type SignedToolCall = ResponseToolCall & ExtraContent

/**
 * Says the calls of one answer in OpenAI's words. Those without an id get one that no other answer has; it is short enough for OpenAI,
 * which takes no id of more than 40 characters where the conversation goes on there.
 */
export class ToolCalls {
  readonly #responseId: string
  #told = 0

  constructor(responseId: string) {
    this.#responseId = responseId.replaceAll('-', '')
  }

  tell({ id, name, args, signature }: CallPart): SignedToolCall {
    const number = this.#told++
    return {
      id: id ?? `call_${this.#responseId}_${number.toString(36)}`,
      type: 'function',
      function: { name, arguments: args },
      ...signed(signature),
    }
  }
}
