import type { AnswerToolCall, ExtraContent } from '../../unified/answer-message.ts'
import type { CallPart } from './answer-chunk.ts'
import { signed } from './thought-signature.ts'

export type SignedToolCall = AnswerToolCall & ExtraContent

/**
 * Says the calls of one answer in OpenAI's words. Those without an id get one that no other answer has; it is short enough for OpenAI,
 * which takes no id of more than 40 characters where the conversation goes on there.
 */
export class ToolCalls {
  readonly #answerId: string
  #told = 0

  constructor(answerId: string) {
    this.#answerId = answerId.replaceAll('-', '')
  }

  tell({ id, name, args, signature }: CallPart): SignedToolCall {
    const number = this.#told++
    return {
      id: id ?? `call_${this.#answerId}_${number.toString(36)}`,
      type: 'function',
      function: { name, arguments: args },
      ...signed(signature),
    }
  }
}
