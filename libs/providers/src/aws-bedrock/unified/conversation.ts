import type { SystemContentBlock } from '@aws-sdk/client-bedrock-runtime'
import type { Turn } from '../../unified/alternating-turns.ts'
import { type BlockDialect, blockConversation } from '../../unified/block-conversation.ts'
import type { ChatMessage } from '../../unified/chat-request.ts'
import type { InlineImages } from '../../unified/inline-images.ts'
import { isRefusal, refuse } from '../../unified/refusal.ts'
import { spokenTexts } from '../../unified/spoken-texts.ts'
import type { Refusal } from '../../unified-api.ts'
import { toImageBlock } from './image-block.ts'
import { foundationModel } from './model.ts'
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
  return {
    callIds: isClaude ? CLAUDE_CALL_ID : CALL_ID,
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
    refuseTurns: ([first]) => {
      if (first === undefined)
        return refuse('messages', 'AWS Bedrock needs a message that is not empty and not of the system.')
      // AWS answers 200 for Claude, and for others that a conversation must start with a user message.
      return first.role === 'user' || isClaude ? undefined : BEGINS_WITH_ASSISTANT
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
