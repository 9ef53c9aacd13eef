import type { SystemContentBlock } from '@aws-sdk/client-bedrock-runtime'
import { AlternatingTurns, type Turn } from '../../unified/alternating-turns.ts'
import type { AssistantMessage, ChatMessage, ToolMessage, UserMessage } from '../../unified/chat-request.ts'
import type { InlineImages } from '../../unified/inline-images.ts'
import { OpenCalls } from '../../unified/open-calls.ts'
import { isRefusal, refuse, refuseParameter } from '../../unified/refusal.ts'
import { spokenTexts } from '../../unified/spoken-texts.ts'
import type { Refusal } from '../../unified-api.ts'
import { type AnswerBlock, toAnswerBlocks } from './answer-blocks.ts'
import { toImageBlock } from './image-block.ts'
import type { ImageBlock, ToolResultBlock } from './wire-types.ts'

type Block = AnswerBlock | ImageBlock | ToolResultBlock

/** The prompt of a request: `messages`, and apart from them what the system and the developer say. */
export interface Conversation {
  readonly system: readonly SystemContentBlock.TextMember[]
  readonly messages: readonly Turn<Block>[]
  /** Whether there are tool calls in it. */
  readonly hasToolUse: boolean
}

export function toConversation(messages: readonly ChatMessage[], images: InlineImages): Conversation | Refusal {
  const translation = new ConversationTranslation(images)
  for (const [index, message] of messages.entries()) {
    const refusal = translation.add(message, `messages.${index}`)
    if (refusal !== undefined) return refusal
  }
  return translation.finish()
}

class ConversationTranslation {
  readonly #images: InlineImages
  readonly #system: SystemContentBlock.TextMember[] = []
  readonly #turns = new AlternatingTurns<Block>()
  readonly #openCalls = new OpenCalls()
  #hasToolUse = false

  constructor(images: InlineImages) {
    this.#images = images
  }

  /** @param path the message's */
  add(message: ChatMessage, path: string): Refusal | undefined {
    // A tool's name is that of the call, which has it already.
    if (message.name !== undefined && message.role !== 'tool') return refuseParameter(`${path}.name`, 'AWS Bedrock')
    switch (message.role) {
      case 'system':
      case 'developer':
        for (const text of spokenTexts(message.content)) this.#system.push({ text })
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
    if (messages[0]?.role !== 'user') {
      return refuse(
        'messages',
        'AWS Bedrock needs a conversation to begin with a message of the user that is not empty.',
      )
    }
    return this.#openCalls.refusal() ?? { system: this.#system, messages, hasToolUse: this.#hasToolUse }
  }

  #addUser({ content }: UserMessage, path: string): Refusal | undefined {
    const parts = typeof content === 'string' ? [{ type: 'text' as const, text: content }] : content
    const blocks: Block[] = []
    for (const [index, part] of parts.entries()) {
      if (part.type === 'text') {
        blocks.push(...spokenTexts(part.text).map((text) => ({ text })))
        continue
      }
      const image = toImageBlock(part, this.#images, `${path}.content.${index}`)
      if (isRefusal(image)) return image
      blocks.push(image)
    }
    this.#turns.add('user', blocks)
    return undefined
  }

  #addAssistant(message: AssistantMessage, path: string): Refusal | undefined {
    const refusal = this.#openCalls.refusal()
    if (refusal !== undefined) return refusal
    const blocks = toAnswerBlocks(message, path)
    if (isRefusal(blocks)) return blocks
    this.#openCalls.open(message, path)
    this.#hasToolUse ||= blocks.some((block) => 'toolUse' in block)
    this.#turns.add('assistant', blocks)
    return undefined
  }

  #addResult({ tool_call_id: toolUseId, content }: ToolMessage, path: string): Refusal | undefined {
    const refusal = this.#openCalls.close(toolUseId, path)
    if (refusal !== undefined) return refusal
    this.#turns.addResult({ toolResult: { toolUseId, content: spokenTexts(content).map((text) => ({ text })) } })
    return undefined
  }
}
