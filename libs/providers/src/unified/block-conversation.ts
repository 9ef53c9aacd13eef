import type { Refusal } from '../unified-api.ts'
import {
  type AssistantMessage,
  type ChatMessage,
  type FilePart,
  type ImagePart,
  nonBlankTexts,
  responseText,
  type ToolCall,
  type ToolMessage,
  type UserMessage,
} from './chat-request.ts'
import { OpenCalls } from './open-calls.ts'
import { inPlace, type Placed } from './place.ts'
import { type ContentPart, refusePartType } from './read-chat-request.ts'
import { isRefusal } from './refusal.ts'

/** Writes each part of a conversation as a provider's block. `path` is the part's, for refusals. */
export interface BlockDialect<Block> {
  /** The provider's display name. */
  readonly provider: string
  /** The pattern of tool call ids that the provider accepts; others are replaced. */
  readonly callIds: RegExp
  text(text: string): Block
  image(part: ImagePart, path: string): Block | Refusal
  file(part: FilePart, path: string): Block | Refusal
  toolCall(call: ToolCall, path: string): Block | Refusal
  /** @param content the result's texts that are not blank, images and files, in order */
  toolResult(message: ToolMessage, content: readonly Block[]): Block
  /** Returns the reasoning in a response that the application sends back. @param path the message's */
  thinking(message: AssistantMessage, path: string): Placed<Block>[] | Refusal
  /** Refuses turns that the provider does not accept; undefined where it does. */
  refuseTurns(turns: readonly Turn<Block>[]): Refusal | undefined
}

/** A conversation in turns, with the system's and developer's texts apart, wherever they stood. */
export interface BlockConversation<Block> {
  readonly system: readonly string[]
  readonly turns: readonly Turn<Block>[]
}

/** Translates messages to turns that alternate between the user (including tool results) and the assistant. */
export function blockConversation<Block extends object>(
  messages: readonly ChatMessage[],
  dialect: BlockDialect<Block>,
): BlockConversation<Block> | Refusal {
  const translation = new ConversationTranslation(dialect)
  for (const [index, message] of messages.entries()) {
    const refusal = translation.add(message, `messages.${index}`)
    if (refusal !== undefined) return refusal
  }
  return translation.finish()
}

class ConversationTranslation<Block extends object> {
  readonly #dialect: BlockDialect<Block>
  readonly #system: string[] = []
  readonly #turns = new AlternatingTurns<Block>()
  readonly #openCalls: OpenCalls

  constructor(dialect: BlockDialect<Block>) {
    this.#dialect = dialect
    this.#openCalls = new OpenCalls(dialect.callIds)
  }

  /** @param path the message's */
  add(message: ChatMessage, path: string): Refusal | undefined {
    switch (message.role) {
      case 'system':
      case 'developer':
        for (const text of nonBlankTexts(message.content)) this.#system.push(text)
        return undefined
      case 'user':
        return this.#addUser(message, path)
      case 'assistant':
        return this.#addAssistant(message, path)
      case 'tool':
        return this.#addResult(message, path)
    }
  }

  finish(): BlockConversation<Block> | Refusal {
    const turns = this.#turns.list
    return this.#dialect.refuseTurns(turns) ?? this.#openCalls.refusal() ?? { system: this.#system, turns }
  }

  #addUser({ content }: UserMessage, path: string): Refusal | undefined {
    const blocks = this.#contentBlocks(content, path)
    if (isRefusal(blocks)) return blocks
    this.#turns.add('user', blocks)
    return undefined
  }

  #contentBlocks(content: UserMessage['content'], path: string): Block[] | Refusal {
    if (typeof content === 'string') return this.#textBlocks(content)
    const blocks: Block[] = []
    for (const [index, part] of content.entries()) {
      const block = this.#partBlocks(part, `${path}.content.${index}`)
      if (isRefusal(block)) return block
      blocks.push(...block)
    }
    return blocks
  }

  #partBlocks(part: ContentPart, path: string): Block[] | Refusal {
    switch (part.type) {
      case 'text':
        return this.#textBlocks(part.text)
      case 'input_audio':
        return refusePartType(part.type, path, { provider: this.#dialect.provider, taken: 'text, image_url and file' })
      default: {
        const block = part.type === 'file' ? this.#dialect.file(part, path) : this.#dialect.image(part, path)
        return isRefusal(block) ? block : [block]
      }
    }
  }

  #addAssistant(message: AssistantMessage, path: string): Refusal | undefined {
    const refusal = this.#openCalls.refusal()
    if (refusal !== undefined) return refusal
    const blocks = this.#responseBlocks(message, path)
    if (isRefusal(blocks)) return blocks
    this.#turns.add('assistant', blocks)
    return undefined
  }

  #addResult(message: ToolMessage, path: string): Refusal | undefined {
    const sentId = this.#openCalls.close(message.tool_call_id, path)
    if (typeof sentId !== 'string') return sentId
    const content = this.#contentBlocks(message.content, path)
    if (isRefusal(content)) return content
    this.#turns.addResult(this.#dialect.toolResult({ ...message, tool_call_id: sentId }, content))
    return undefined
  }

  /** Returns its text, then its tool calls, with the reasoning at its places. */
  #responseBlocks(message: AssistantMessage, path: string): Block[] | Refusal {
    const thinking = this.#dialect.thinking(message, path)
    if (isRefusal(thinking)) return thinking
    const calls: Block[] = []
    for (const [index, call] of this.#openCalls.open(message, path).entries()) {
      const block = this.#dialect.toolCall(call, `${path}.tool_calls.${index}`)
      if (isRefusal(block)) return block
      calls.push(block)
    }
    return inPlace(responseText(message), calls, thinking, (text) => this.#textBlocks(text))
  }

  #textBlocks(text: string): Block[] {
    return nonBlankTexts(text).map((each) => this.#dialect.text(each))
  }
}

export interface Turn<Block> {
  readonly role: 'user' | 'assistant'
  readonly content: Block[]
}

/** A conversation in which the roles alternate: consecutive messages of one role become one turn. */
export class AlternatingTurns<Block> {
  readonly list: Turn<Block>[] = []
  /** The number of tool results that the last turn begins with. */
  #results = 0

  /** Adds a message; one without content is left out. */
  add(role: Turn<Block>['role'], blocks: readonly Block[]): void {
    if (blocks.length === 0) return
    const { content } = this.#turn(role)
    for (const block of blocks) content.push(block)
  }

  /** Adds a tool result before the turn's other content. */
  addResult(result: Block): void {
    const { content } = this.#turn('user')
    content.splice(this.#results++, 0, result)
  }

  #turn(role: Turn<Block>['role']): Turn<Block> {
    const last = this.list.at(-1)
    if (last?.role === role) return last
    const turn: Turn<Block> = { role, content: [] }
    this.list.push(turn)
    this.#results = 0
    return turn
  }
}
