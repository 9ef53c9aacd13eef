import type { SystemContentBlock } from '@aws-sdk/client-bedrock-runtime'
import type { Turn } from '../../unified/alternating-turns.ts'
import { type BlockDialect, blockConversation } from '../../unified/block-conversation.ts'
import type { ChatMessage } from '../../unified/chat-request.ts'
import type { InlineImages } from '../../unified/inline-images.ts'
import { isRefusal, refuse } from '../../unified/refusal.ts'
import { spokenTexts } from '../../unified/spoken-texts.ts'
import type { Refusal } from '../../unified-api.ts'
import { toImageBlock } from './image-block.ts'
import { readReasoning, toReasoningBlock } from './reasoning-content.ts'
import { toToolUse } from './tool-use.ts'
import type { ImageBlock, ReasoningBlock, TextBlock, ToolResultBlock, ToolUseBlock } from './wire-types.ts'

type Block = TextBlock | ImageBlock | ToolUseBlock | ToolResultBlock | ReasoningBlock

/** The prompt of a request: `messages`, and apart from them what the system and the developer say. */
export interface Conversation {
  readonly system: readonly SystemContentBlock.TextMember[]
  readonly messages: readonly Turn<Block>[]
  /** Whether there are tool calls in it. */
  readonly hasToolUse: boolean
}

export function toConversation(messages: readonly ChatMessage[], images: InlineImages): Conversation | Refusal {
  const conversation = blockConversation(messages, contentBlocks(images))
  if (isRefusal(conversation)) return conversation
  const { system, turns } = conversation
  return {
    system: system.map(toTextBlock),
    messages: turns,
    hasToolUse: turns.some(({ content }) => content.some((block) => 'toolUse' in block)),
  }
}

function contentBlocks(images: InlineImages): BlockDialect<Block> {
  return {
    provider: 'AWS Bedrock',
    text: toTextBlock,
    image: (part, path) => toImageBlock(part, images, path),
    toolCall: toToolUse,
    toolResult: ({ tool_call_id: toolUseId, content }) => ({
      toolResult: { toolUseId, content: spokenTexts(content).map(toTextBlock) },
    }),
    thinking(message, path) {
      const reasoning = readReasoning(message, path)
      if (isRefusal(reasoning)) return reasoning
      return reasoning.map((placed) => ({ block: toReasoningBlock(placed), at: placed.at }))
    },
    refuseTurns: ([first]) =>
      first?.role === 'user'
        ? undefined
        : refuse('messages', 'AWS Bedrock needs a conversation to begin with a message of the user that is not empty.'),
  }
}

function toTextBlock(text: string): TextBlock {
  return { text }
}
