import type { AssistantMessage, ChatMessage, ToolMessage, UserMessage } from '../../unified/chat-request.ts'
import { isRefusal, refuse } from '../../unified/refusal.ts'
import { responseText } from '../../unified/spoken-texts.ts'
import type { Refusal } from '../../unified-api.ts'
import { type Images, mediaParts } from './image-part.ts'
import { textOf } from './text-of.ts'
import { signatureOf } from './thought-signature.ts'
import { callParts, resultParts, strayResult } from './tool-turns.ts'
import type { GeminiContent, GeminiPart, GeminiRequest } from './wire-types.ts'

/** What the messages of one request are read with. */
export interface ConversationContext {
  readonly messages: readonly ChatMessage[]
  readonly images: Images
  /** The model is one of Gemini 3 or later, as {@link isNewGeneration} says. */
  readonly isNew: boolean
}

/**
 * The messages as Google takes them: those of system and developer together as the one instruction, wherever they stand, and
 * each answer's tool results as one turn of the user. What is empty is left out, as Google takes no empty turn.
 */
export function conversation(
  context: ConversationContext,
): Pick<GeminiRequest, 'contents' | 'systemInstruction'> | Refusal {
  const instructions: GeminiPart[] = []
  const contents: GeminiContent[] = []
  let unread = 0
  for (const [index, message] of context.messages.entries()) {
    if (index < unread) continue
    const turn = readTurn(message, index, context)
    if (isRefusal(turn)) return turn
    instructions.push(...turn.instructions)
    contents.push(...turn.contents.filter(({ parts }) => parts.length > 0))
    unread = index + turn.messages
  }
  if (contents.length === 0 && context.images.missing.size === 0) {
    return refuse('messages', 'Google needs a message that is not empty and not of the system.')
  }
  return instructions.length === 0 ? { contents } : { contents, systemInstruction: { parts: instructions } }
}

interface Turn {
  /** How many it is made of. */
  readonly messages: number
  readonly instructions: readonly GeminiPart[]
  readonly contents: readonly GeminiContent[]
}

function readTurn(message: ChatMessage, index: number, context: ConversationContext): Turn | Refusal {
  if (message.role === 'tool') return strayResult(message, index)
  switch (message.role) {
    case 'user': {
      const parts = userParts(message, `messages.${index}`, context.images)
      return isRefusal(parts) ? parts : { messages: 1, instructions: [], contents: [{ role: 'user', parts }] }
    }
    case 'assistant':
      return responseTurn(message, index, context)
    default:
      return { messages: 1, instructions: textParts(textOf(message.content)), contents: [] }
  }
}

function userParts({ content }: UserMessage, param: string, images: Images): GeminiPart[] | Refusal {
  if (typeof content === 'string') return textParts(content)
  const parts: GeminiPart[] = []
  for (const [index, part] of content.entries()) {
    const said = part.type === 'text' ? textParts(part.text) : mediaParts(part, `${param}.content.${index}`, images)
    if (isRefusal(said)) return said
    parts.push(...said)
  }
  return parts
}

/** An answer, and the results of its calls, which come right after it. */
function responseTurn(message: AssistantMessage, index: number, context: ConversationContext): Turn | Refusal {
  const calls = callParts(message, `messages.${index}`, context.isNew)
  if (isRefusal(calls)) return calls
  const answer: GeminiContent = { role: 'model', parts: [...saidParts(message), ...calls] }
  if (calls.length === 0) return { messages: 1, instructions: [], contents: [answer] }
  const results = toolMessagesFrom(context.messages, index + 1)
  const parts = resultParts(message.tool_calls ?? [], results, index + 1, context)
  if (isRefusal(parts)) return parts
  return { messages: 1 + results.length, instructions: [], contents: [answer, { role: 'user', parts }] }
}

/** The text of an answer; its signature belongs to an empty text, too. */
function saidParts(message: AssistantMessage): GeminiPart[] {
  const text = responseText(message)
  const signature = signatureOf(message)
  return signature === undefined ? textParts(text) : [{ text, thoughtSignature: signature }]
}

function textParts(text: string): GeminiPart[] {
  return text === '' ? [] : [{ text }]
}

function toolMessagesFrom(messages: readonly ChatMessage[], start: number): ToolMessage[] {
  const results: ToolMessage[] = []
  for (let index = start; ; index++) {
    const message = messages[index]
    if (message?.role !== 'tool') return results
    results.push(message)
  }
}
