import {
  type AssistantMessage,
  type ChatMessage,
  responseText,
  type ToolCall,
  type ToolMessage,
  type UserMessage,
} from '../unified/chat-request.ts'
import type { InlineImages } from '../unified/images.ts'
import { isRefusal, refuse } from '../unified/refusal.ts'
import { callArguments } from '../unified/tools.ts'
import type { Refusal } from '../unified-api.ts'
import { mediaParts } from './media-parts.ts'
import { PLACEHOLDER_SIGNATURE, signatureOf } from './reasoning.ts'
import type { GeminiContent, GeminiPart, GeminiRequest } from './wire-types.ts'

/** A request's messages, and what their translation depends on. */
interface ConversationContext {
  readonly messages: readonly ChatMessage[]
  readonly images: InlineImages
  /** The model is Gemini 3 or later, as `isNewGeneration` returns. */
  readonly isNew: boolean
}

/**
 * Translates messages to turns. System and developer messages together become the instruction, wherever they stand,
 * and the results of a response's tool calls one user turn. Empty messages are omitted, because Google accepts no
 * empty turn.
 */
export function toConversation(
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
    return refuse('messages', 'Google needs at least one user or assistant message that is not empty.')
  }
  return instructions.length === 0 ? { contents } : { contents, systemInstruction: { parts: instructions } }
}

interface Turn {
  /** The number of messages it consists of. */
  readonly messages: number
  readonly instructions: readonly GeminiPart[]
  readonly contents: readonly GeminiContent[]
}

function readTurn(message: ChatMessage, index: number, context: ConversationContext): Turn | Refusal {
  if (message.role === 'tool') return refuseStrayResult(message, index)
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

function userParts({ content }: UserMessage, param: string, images: InlineImages): GeminiPart[] | Refusal {
  if (typeof content === 'string') return textParts(content)
  const parts: GeminiPart[] = []
  for (const [index, part] of content.entries()) {
    const blocks = part.type === 'text' ? textParts(part.text) : mediaParts(part, `${param}.content.${index}`, images)
    if (isRefusal(blocks)) return blocks
    parts.push(...blocks)
  }
  return parts
}

/** Translates a response and the results of its calls, which follow it directly. */
function responseTurn(message: AssistantMessage, index: number, context: ConversationContext): Turn | Refusal {
  const calls = callParts(message, `messages.${index}`, context.isNew)
  if (isRefusal(calls)) return calls
  const response: GeminiContent = { role: 'model', parts: [...textWithSignature(message), ...calls] }
  if (calls.length === 0) return { messages: 1, instructions: [], contents: [response] }
  const results = toolMessagesFrom(context.messages, index + 1)
  const parts = resultParts(message.tool_calls ?? [], results, index + 1, context)
  if (isRefusal(parts)) return parts
  return { messages: 1 + results.length, instructions: [], contents: [response, { role: 'user', parts }] }
}

/** Returns the text part of a response; an empty text may have a signature, too. */
function textWithSignature(message: AssistantMessage): GeminiPart[] {
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

/**
 * Translates the calls of one response. Of parallel calls, only the first has a signature.
 * @param mustBeSigned whether the model refuses a first call without a signature
 */
export function callParts(
  { tool_calls: calls = [] }: AssistantMessage,
  param: string,
  mustBeSigned: boolean,
): GeminiPart[] | Refusal {
  const parts: GeminiPart[] = []
  for (const [index, call] of calls.entries()) {
    const parsed = callArguments(call, `${param}.tool_calls.${index}`)
    if (isRefusal(parsed)) return parsed
    const signature = signatureOf(call) ?? (mustBeSigned && index === 0 ? PLACEHOLDER_SIGNATURE : undefined)
    parts.push({
      functionCall: { id: call.id, name: call.function.name, args: parsed.input },
      ...(signature === undefined ? {} : { thoughtSignature: signature }),
    })
  }
  return parts
}

/**
 * Translates the results of one response's calls, in the order of the calls: Google matches calls without ids by their
 * order. Each call must have exactly one result.
 * @param firstIndex the first result's index among the messages
 */
export function resultParts(
  calls: readonly ToolCall[],
  results: readonly ToolMessage[],
  firstIndex: number,
  context: ResultContext,
): GeminiPart[] | Refusal {
  const unread = Map.groupBy(results.entries(), ([, { tool_call_id: id }]) => id)
  const parts: GeminiPart[] = []
  for (const call of calls) {
    const [index, result] = unread.get(call.id)?.shift() ?? []
    if (index === undefined || result === undefined) {
      return refuse(
        `messages.${firstIndex - 1}.tool_calls`,
        `The call "${call.id}" has no result: a tool message must follow for each call.`,
      )
    }
    const media = resultMedia(result, `messages.${firstIndex + index}`, context)
    if (isRefusal(media)) return media
    const response = { output: resultText(result) }
    parts.push({
      functionResponse: {
        id: call.id,
        name: call.function.name,
        response,
        ...(media.length === 0 ? {} : { parts: media }),
      },
    })
  }
  const [stray] = [...unread.values()].flat()
  return stray === undefined ? parts : refuseStrayResult(stray[1], firstIndex + stray[0])
}

type ResultContext = Pick<ConversationContext, 'images' | 'isNew'>

function resultText({ content }: ToolMessage): string {
  return typeof content === 'string' ? content : textOf(content.filter((part) => part.type === 'text'))
}

/**
 * Translates the images and files in a result, for which Google accepts fewer types than in a user message.
 * @see https://ai.google.dev/gemini-api/docs/function-calling#multimodal
 */
function resultMedia(
  { content }: ToolMessage,
  param: string,
  { images, isNew }: ResultContext,
): GeminiPart[] | Refusal {
  if (typeof content === 'string') return []
  const parts: GeminiPart[] = []
  for (const [index, part] of content.entries()) {
    if (part.type === 'text') continue
    const path = `${param}.content.${index}`
    if (!isNew) return refuse(`${path}.type`, 'Google models before Gemini 3 accept only text as a tool result.')
    const mediaOfPart = mediaParts(part, path, images)
    if (isRefusal(mediaOfPart)) return mediaOfPart
    for (const media of mediaOfPart) {
      const accepted = resultPart(media)
      if (accepted === undefined)
        return refuseResultMedia(media, part.type === 'file' ? `${path}.file.file_data` : `${path}.image_url.url`)
      parts.push(accepted)
    }
  }
  return parts
}

/** Returns the part for a result, where all text is plain; undefined for types that a result cannot have. */
function resultPart(part: GeminiPart): GeminiPart | undefined {
  if (!('inlineData' in part)) return undefined
  const { inlineData } = part
  if (inlineData.mimeType.startsWith('text/')) return { inlineData: { ...inlineData, mimeType: 'text/plain' } }
  return RESULT_TYPES.includes(inlineData.mimeType) ? part : undefined
}

function refuseResultMedia(part: GeminiPart, param: string): Refusal {
  const type = 'inlineData' in part ? part.inlineData.mimeType : 'of another type'
  const accepted = `${RESULT_TYPES.slice(0, -1).join(', ')} and ${RESULT_TYPES.at(-1)}`
  return refuse(param, `As a tool result, Google accepts ${accepted}, and text; this file is ${type}.`)
}

const RESULT_TYPES: readonly string[] = ['image/png', 'image/jpeg', 'image/webp', 'application/pdf']

/** Refuses a result without a call. */
function refuseStrayResult({ tool_call_id: id }: ToolMessage, index: number): Refusal {
  return refuse(`messages.${index}.tool_call_id`, `The preceding assistant message has no open call "${id}".`)
}

/** Returns the text of a message that contains only text. */
function textOf(content: string | readonly { readonly text: string }[]): string {
  return typeof content === 'string' ? content : content.map(({ text }) => text).join('')
}
