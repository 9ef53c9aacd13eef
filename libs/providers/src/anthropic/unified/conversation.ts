import type { ContentBlockParam, TextBlockParam, ToolResultBlockParam } from '@anthropic-ai/sdk/resources/messages'
import type { Turn } from '../../unified/alternating-turns.ts'
import { type BlockDialect, blockConversation } from '../../unified/block-conversation.ts'
import type { ChatMessage, ToolMessage } from '../../unified/chat-request.ts'
import { isRefusal, refuse } from '../../unified/refusal.ts'
import { isBlank, spokenTexts } from '../../unified/spoken-texts.ts'
import type { Refusal } from '../../unified-api.ts'
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
  callIds: /^[a-zA-Z0-9_-]+$/,
  text: toTextBlock,
  image: toImageBlock,
  toolCall: toToolUse,
  toolResult: ({ tool_call_id: id, content }) => ({
    type: 'tool_result',
    tool_use_id: id,
    ...resultContent(content),
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

function resultContent(content: ToolMessage['content']): Pick<ToolResultBlockParam, 'content'> {
  if (typeof content === 'string') return isBlank(content) ? {} : { content }
  const blocks = spokenTexts(content).map(toTextBlock)
  return blocks.length === 0 ? {} : { content: blocks }
}
