import type {
  ContentBlockParam,
  DocumentBlockParam,
  ImageBlockParam,
  TextBlockParam,
  ToolResultBlockParam,
} from '@anthropic-ai/sdk/resources/messages'
import type { Turn } from '../../unified/alternating-turns.ts'
import { type BlockDialect, blockConversation } from '../../unified/block-conversation.ts'
import type { ChatMessage } from '../../unified/chat-request.ts'
import { isRefusal, refuse } from '../../unified/refusal.ts'
import { isBlank } from '../../unified/spoken-texts.ts'
import type { Refusal } from '../../unified-api.ts'
import { toDocumentBlock } from './document-block.ts'
import { toImageBlock } from './image-block.ts'
import { readThinking } from './thinking-content.ts'
import { toToolUse } from './tool-use.ts'

/** The prompt of a message: `messages`, and apart from them what the system and the developer say. */
export interface Conversation {
  readonly system: readonly TextBlockParam[]
  readonly messages: readonly Turn<ContentBlockParam>[]
}

export function toConversation(messages: readonly ChatMessage[]): Conversation | Refusal {
  const conversation = blockConversation(messages, CONTENT_BLOCKS)
  if (isRefusal(conversation)) return conversation
  return { system: conversation.system.map(toTextBlock), messages: conversation.turns }
}

const CONTENT_BLOCKS: BlockDialect<ContentBlockParam> = {
  provider: 'Anthropic',
  callIds: /^[a-zA-Z0-9_-]+$/,
  text: toTextBlock,
  image: toImageBlock,
  toolCall: toToolUse,
  file: toDocumentBlock,
  toolResult: ({ tool_call_id: id, content }, blocks) => ({
    type: 'tool_result',
    tool_use_id: id,
    ...(typeof content === 'string' ? resultText(content) : resultBlocks(blocks)),
  }),
  thinking(message, path) {
    const thinking = readThinking(message, path)
    return isRefusal(thinking) ? thinking : thinking.map(({ at, ...block }) => ({ block, at }))
  },
  refuseTurns: (turns) =>
    turns.length === 0
      ? refuse('messages', 'Anthropic needs a message of the user or the assistant that is not empty.')
      : undefined,
}

function toTextBlock(text: string): TextBlockParam {
  return { type: 'text', text }
}

function resultText(content: string): Pick<ToolResultBlockParam, 'content'> {
  return isBlank(content) ? {} : { content }
}

function resultBlocks(blocks: readonly ContentBlockParam[]): Pick<ToolResultBlockParam, 'content'> {
  const content = blocks.filter(isResultBlock)
  return content.length === 0 ? {} : { content }
}

function isResultBlock(block: ContentBlockParam): block is TextBlockParam | ImageBlockParam | DocumentBlockParam {
  return block.type === 'text' || block.type === 'image' || block.type === 'document'
}
