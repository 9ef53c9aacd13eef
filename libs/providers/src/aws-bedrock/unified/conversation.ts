import type { SystemContentBlock } from '@aws-sdk/client-bedrock-runtime'
import type { Turn } from '../../unified/alternating-turns.ts'
import { type BlockDialect, blockConversation } from '../../unified/block-conversation.ts'
import type { ChatMessage } from '../../unified/chat-request.ts'
import type { InlineImages } from '../../unified/inline-images.ts'
import { isRefusal, refuse } from '../../unified/refusal.ts'
import type { Refusal } from '../../unified-api.ts'
import { toDocumentBlock } from './document-block.ts'
import { toImageBlock } from './image-block.ts'
import { readReasoning, toReasoningBlock } from './reasoning-content.ts'
import { toToolUse } from './tool-use.ts'
import type {
  DocumentBlock,
  ImageBlock,
  ReasoningBlock,
  TextBlock,
  ToolResultBlock,
  ToolUseBlock,
} from './wire-types.ts'

type Block = TextBlock | ImageBlock | DocumentBlock | ToolUseBlock | ToolResultBlock | ReasoningBlock

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
  let documents = 0
  return {
    provider: 'AWS Bedrock',
    text: toTextBlock,
    image: (part, path) => toImageBlock(part, images, path),
    toolCall: toToolUse,
    file: (part, path) => toDocumentBlock(part, path, () => ++documents),
    toolResult: ({ tool_call_id: toolUseId }, content) => ({
      toolResult: { toolUseId, content: content.filter(isResultBlock) },
    }),
    thinking(message, path) {
      const reasoning = readReasoning(message, path)
      if (isRefusal(reasoning)) return reasoning
      return reasoning.map((placed) => ({ block: toReasoningBlock(placed), at: placed.at }))
    },
    refuseTurns: (turns) => {
      if (turns[0]?.role !== 'user') return NO_USER_FIRST
      return turns.some(hasDocumentAlone) ? DOCUMENT_ALONE : undefined
    },
  }
}

function toTextBlock(text: string): TextBlock {
  return { text }
}

function isResultBlock(block: Block): block is TextBlock | ImageBlock | DocumentBlock {
  return 'text' in block || 'image' in block || 'document' in block
}

/** @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Message.html on `content` */
function hasDocumentAlone({ content }: Turn<Block>): boolean {
  return content.some((block) => 'document' in block) && !content.some((block) => 'text' in block)
}

const NO_USER_FIRST = refuse(
  'messages',
  'AWS Bedrock needs a conversation to begin with a message of the user that is not empty.',
)
const DOCUMENT_ALONE = refuse(
  'messages',
  'AWS Bedrock takes a file only with text beside it, which says what to do with it.',
)
