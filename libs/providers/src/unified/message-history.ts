import type { FieldError } from '@sluice/contracts'
import { isRecord } from '../wire/is-record.ts'
import { AssistantMessage, type ChatMessage } from './chat-request.ts'

type JsonObject = Readonly<Record<string, unknown>>

/**
 * An assistant's message as some provider's response brought it, without what was there for the application to read only: parts of its
 * content that are thoughts, and members that nobody here knows and that say nothing. What the model said by voice is its transcript.
 * Returns the same message where there is nothing of the kind.
 * @param message of a request, without nulls
 */
export function recalledMessage(message: unknown): unknown {
  if (!isRecord(message) || message.role !== 'assistant') return message
  let recalled = message
  for (const name in message) {
    if (KNOWN.has(name) || !isEmpty(message[name])) continue
    const { [name]: _, ...others } = recalled
    recalled = others
  }
  const { content, audio } = recalled
  if (Array.isArray(content) && content.some(isThought)) {
    recalled = { ...recalled, content: content.filter((part) => !isThought(part)) }
  }
  if (isRecord(audio) && typeof audio.transcript === 'string' && (content ?? null) === null) {
    const { audio: _, ...others } = recalled
    recalled = { ...others, content: audio.transcript }
  }
  return recalled
}

const KNOWN: ReadonlySet<string> = new Set(Object.keys(AssistantMessage.properties))

/** `images: []`, `prefix: false`, `audio_content: ""`. */
function isEmpty(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.keys(value).length === 0
  return value === '' || value === false
}

/** Mistral's, Databricks', and Anthropic's through LiteLLM. */
function isThought(part: unknown): boolean {
  return isRecord(part) && typeof part.type === 'string' && THOUGHTS.has(part.type)
}

const THOUGHTS: ReadonlySet<string> = new Set(['thinking', 'redacted_thinking', 'reasoning'])

/**
 * Puts a speaker's name before what they say, as no provider but OpenAI has a place for it, and it tells several users apart. A name
 * that is the role's tells nothing. An assistant's is left out: the model would begin its own messages like that.
 */
export function spokenName(message: ChatMessage): ChatMessage {
  const { name } = message
  if (name === undefined || name === message.role || message.role === 'assistant' || message.role === 'tool') {
    return message
  }
  if (typeof message.content === 'string') {
    return message.content.trim() === '' ? message : { ...message, content: `${name}: ${message.content}` }
  }
  const spoken = { type: 'text' as const, text: `${name}:` }
  // Apart, as what their content may be is not the same.
  if (message.role === 'user') return { ...message, content: [spoken, ...message.content] }
  return { ...message, content: [spoken, ...message.content] }
}

/** The members of messages that applications send, and that need more words than "is not known". @param path the message's */
export function foreignMember(message: JsonObject, path: string): FieldError | undefined {
  const { role, content } = message
  if (role === 'assistant') {
    for (const [name, advice] of ADVICE) {
      if (message[name] !== undefined) return { field: `${path}.${name}`, message: advice }
    }
  }
  if (!Array.isArray(content)) return undefined
  if (content.length === 0 && role !== 'assistant' && role !== 'tool') {
    return { field: `${path}.content`, message: 'is an empty list: put a text into it, or leave the message out' }
  }
  const cached = content.findIndex((part) => isRecord(part) && part.cache_control !== undefined)
  if (cached < 0) return undefined
  return {
    field: `${path}.content.${cached}.cache_control`,
    message:
      "is not part of OpenAI's API: leave it out, or send the request in the provider's own format, which may have it",
  }
}

const ADVICE: readonly (readonly [string, string])[] = [
  ['audio', 'refers to a voice that only OpenAI has: send its transcript as "content"'],
  ['function_call', 'is no longer in use: send "tool_calls", and each result in a message of the role "tool"'],
  ['images', 'cannot be sent back as part of an assistant message: send them in a message of the user'],
]
