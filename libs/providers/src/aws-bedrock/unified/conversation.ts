import type { SystemContentBlock } from '@aws-sdk/client-bedrock-runtime'
import type { Turn } from '../../unified/alternating-turns.ts'
import { type BlockDialect, blockConversation } from '../../unified/block-conversation.ts'
import type { ChatMessage } from '../../unified/chat-request.ts'
import type { InlineImages } from '../../unified/inline-images.ts'
import { isRefusal, refuse } from '../../unified/refusal.ts'
import type { Refusal } from '../../unified-api.ts'
import { toDocumentBlock } from './document-block.ts'
import { toImageBlock } from './image-block.ts'
import { foundationModel } from './model.ts'
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

/** @param model its id, as far as it tells which rules hold */
export function toConversation(
  messages: readonly ChatMessage[],
  images: InlineImages,
  model: string,
): Conversation | Refusal {
  const conversation = blockConversation(messages, contentBlocks(images, foundationModel(model)?.maker))
  if (isRefusal(conversation)) return conversation
  const { system, turns } = conversation
  return {
    system: system.map(toTextBlock),
    messages: turns,
    hasToolUse: turns.some(({ content }) => content.some((block) => 'toolUse' in block)),
  }
}

/** @param maker of the model; undefined where it is not known: then it may be Anthropic */
function contentBlocks(images: InlineImages, maker = 'anthropic'): BlockDialect<Block> {
  const isClaude = maker === 'anthropic'
  let documents = 0
  return {
    provider: 'AWS Bedrock',
    callIds: isClaude ? CLAUDE_CALL_ID : CALL_ID,
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
      const [first] = turns
      if (first === undefined) {
        return refuse('messages', 'AWS Bedrock needs a message that is not empty and not of the system.')
      }
      // AWS answers 200 for Claude, and for others that a conversation must start with a user message.
      if (first.role !== 'user' && !isClaude) return BEGINS_WITH_ASSISTANT
      return turns.some(hasDocumentAlone) ? DOCUMENT_ALONE : undefined
    },
  }
}

/** @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolUseBlock.html */
const CALL_ID = /^[a-zA-Z0-9_.:-]{1,64}$/
/** Anthropic's own rule holds within AWS's. */
const CLAUDE_CALL_ID = /^[a-zA-Z0-9_-]{1,64}$/

const BEGINS_WITH_ASSISTANT = refuse(
  'messages',
  'On AWS Bedrock only Claude takes a conversation that begins with the assistant: this model needs one that begins with a message ' +
    'of the user that is not empty.',
)

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

const DOCUMENT_ALONE = refuse(
  'messages',
  'AWS Bedrock takes a file only with text beside it, which says what to do with it.',
)
