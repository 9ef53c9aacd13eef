import type { ContentBlockParam, TextBlockParam, ToolResultBlockParam } from '@anthropic-ai/sdk/resources/messages'
import { AlternatingTurns, type Turn } from '../../unified/alternating-turns.ts'
import type { AssistantMessage, ChatMessage, ToolMessage, UserMessage } from '../../unified/chat-request.ts'
import { OpenCalls } from '../../unified/open-calls.ts'
import { isRefusal, refuse, refuseParameter } from '../../unified/refusal.ts'
import type { Refusal } from '../../unified-api.ts'
import { toAssistantBlocks } from './assistant-blocks.ts'
import { toImageBlock } from './image-block.ts'
import { isBlank, textBlocks } from './text-blocks.ts'

/** The prompt of a message: `messages`, and apart from them what the system and the developer say. */
export interface Conversation {
  readonly system: readonly TextBlockParam[]
  readonly messages: readonly Turn<ContentBlockParam>[]
}

export function toConversation(messages: readonly ChatMessage[]): Conversation | Refusal {
  const translation = new ConversationTranslation()
  for (const [index, message] of messages.entries()) {
    const refusal = translation.add(message, `messages.${index}`)
    if (refusal !== undefined) return refusal
  }
  return translation.finish()
}

class ConversationTranslation {
  readonly #system: TextBlockParam[] = []
  readonly #turns = new AlternatingTurns<ContentBlockParam>()
  readonly #openCalls = new OpenCalls()

  /** @param path the message's */
  add(message: ChatMessage, path: string): Refusal | undefined {
    // A tool's name is that of the call, which has it already.
    if (message.name !== undefined && message.role !== 'tool') {
      return refuseParameter(`${path}.name`, 'Anthropic')
    }
    switch (message.role) {
      case 'system':
      case 'developer':
        for (const block of textBlocks(message.content)) this.#system.push(block)
        return undefined
      case 'user':
        return this.#addUser(message, path)
      case 'assistant':
        return this.#addAssistant(message, path)
      case 'tool':
        return this.#addResult(message, path)
    }
  }

  finish(): Conversation | Refusal {
    const messages = this.#turns.list
    if (messages.length === 0) {
      return refuse('messages', 'Anthropic needs a message of the user or the assistant that is not empty.')
    }
    return this.#openCalls.refusal() ?? { system: this.#system, messages }
  }

  #addUser({ content }: UserMessage, path: string): Refusal | undefined {
    if (typeof content === 'string') {
      this.#turns.add('user', textBlocks(content))
      return undefined
    }
    const blocks: ContentBlockParam[] = []
    for (const [index, part] of content.entries()) {
      if (part.type === 'text') {
        blocks.push(...textBlocks(part.text))
        continue
      }
      const image = toImageBlock(part, `${path}.content.${index}`)
      if (isRefusal(image)) return image
      blocks.push(image)
    }
    this.#turns.add('user', blocks)
    return undefined
  }

  #addAssistant(message: AssistantMessage, path: string): Refusal | undefined {
    const refusal = this.#openCalls.refusal()
    if (refusal !== undefined) return refusal
    const blocks = toAssistantBlocks(message, path)
    if (isRefusal(blocks)) return blocks
    this.#openCalls.open(message, path)
    this.#turns.add('assistant', blocks)
    return undefined
  }

  #addResult({ tool_call_id: id, content }: ToolMessage, path: string): Refusal | undefined {
    const refusal = this.#openCalls.close(id, path)
    if (refusal !== undefined) return refusal
    this.#turns.addResult({ type: 'tool_result', tool_use_id: id, ...resultContent(content) })
    return undefined
  }
}

function resultContent(content: ToolMessage['content']): Pick<ToolResultBlockParam, 'content'> {
  if (typeof content === 'string') return isBlank(content) ? {} : { content }
  const blocks = textBlocks(content)
  return blocks.length === 0 ? {} : { content: blocks }
}
