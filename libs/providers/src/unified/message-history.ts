import type { FieldError } from '@sluice/contracts'
import { isRecord } from '../wire/json.ts'
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
  const { content } = recalled
  if (Array.isArray(content) && content.some((part) => isThought(part) || isCiting(part))) {
    recalled = { ...recalled, content: content.filter((part) => !isThought(part)).map(withoutCitations) }
  }
  return inText(recalled)
}

/** What was said by voice, as the message's text; the text that it has already is the same. */
function inText(message: JsonObject): JsonObject {
  const { audio, ...others } = message
  if (!isRecord(audio)) return message
  if (hasContent(others.content)) return others
  return typeof audio.transcript === 'string' ? { ...others, content: audio.transcript } : message
}

function hasContent(content: unknown): boolean {
  return (typeof content === 'string' && content !== '') || (Array.isArray(content) && content.length > 0)
}

function isCiting(part: unknown): part is JsonObject {
  return isRecord(part) && part.type === 'text' && CITATIONS.some((name) => part[name] !== undefined)
}

function withoutCitations(part: unknown): unknown {
  if (!isCiting(part)) return part
  return Object.fromEntries(Object.entries(part).filter(([name]) => !CITATIONS.includes(name)))
}

/** Of a text within the content. */
const CITATIONS: readonly string[] = ['annotations', 'citations', 'logprobs']

const KNOWN: ReadonlySet<string> = new Set(Object.keys(AssistantMessage.properties))

/** `images: []`, `prefix: false`, `audio_content: ""`. */
function isEmpty(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.keys(value).length === 0
  return value === '' || value === false
}

/** Thoughts of Mistral's, Databricks' and, through LiteLLM, Anthropic's; and where Mistral's models found what they say. */
function isThought(part: unknown): boolean {
  return isRecord(part) && typeof part.type === 'string' && THOUGHTS.has(part.type)
}

const THOUGHTS: ReadonlySet<string> = new Set([
  'thinking',
  'redacted_thinking',
  'reasoning',
  'reference',
  'tool_reference',
])

/**
 * Puts a speaker's name before what they say, as no provider but OpenAI has a place for it, and it tells several users apart. A name
 * that is the role's, or blank, tells nothing. An assistant's is left out: the model would begin its own messages like that.
 */
export function spokenName(message: ChatMessage): ChatMessage {
  const { name } = message
  if (
    name === undefined ||
    name.trim() === '' ||
    name === message.role ||
    message.role === 'assistant' ||
    message.role === 'tool'
  ) {
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
  if (message.cache_control !== undefined) return cacheControl(path)
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
  return cacheControl(`${path}.content.${cached}`)
}

/** What applications ask of a cache for a tool. */
export function cachedTool(tools: unknown): FieldError | undefined {
  if (!Array.isArray(tools)) return undefined
  for (const [index, tool] of tools.entries()) {
    if (!isRecord(tool)) continue
    if (tool.cache_control !== undefined) return cacheControl(`tools.${index}`)
    if (isRecord(tool.function) && tool.function.cache_control !== undefined) {
      return cacheControl(`tools.${index}.function`)
    }
  }
  return undefined
}

function cacheControl(path: string): FieldError {
  return {
    field: `${path}.cache_control`,
    message:
      "is not part of OpenAI's API: leave it out, or send the request in the provider's own format, which may have it",
  }
}

const ADVICE: readonly (readonly [string, string])[] = [
  ['audio', 'refers to a voice that only OpenAI has: send its transcript as "content"'],
  ['function_call', 'is no longer in use: send "tool_calls", and each result in a message of the role "tool"'],
  ['images', 'cannot be sent back as part of an assistant message: send them in a message of the user'],
]

/**
 * A request's body without the members that are null: OpenAI's API takes those as not given, and its SDKs send them where an application
 * hands back an answer as it came. Null stays where it says something of its own: as the content of a message, in an array, and in what
 * is not OpenAI's to understand, such as a JSON schema. The same object where there is none.
 */
export function withoutNulls(body: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return recordWithout(body, 0)
}

/** Of objects and arrays in each other: a call's function, of a message's calls, of the messages, is the deepest that has parameters. */
const MAX_DEPTH = 5

/** What a caller or a provider makes up, and OpenAI's API passes on. */
const OPAQUE: ReadonlySet<string> = new Set([
  'extra_content',
  'metadata',
  'parameters',
  'parsed',
  'parsed_arguments',
  'schema',
])

function recordWithout(record: Readonly<Record<string, unknown>>, depth: number): Readonly<Record<string, unknown>> {
  let changed: Map<string, unknown> | undefined
  for (const [name, value] of Object.entries(record)) {
    const kept = OPAQUE.has(name) ? value : valueWithout(value, depth)
    if (kept === value && !isNotGiven(name, value)) continue
    changed ??= new Map(Object.entries(record))
    if (kept === null) changed.delete(name)
    else changed.set(name, kept)
  }
  return changed === undefined ? record : Object.fromEntries(changed)
}

function isNotGiven(name: string, value: unknown): boolean {
  return value === null && name !== 'content'
}

function valueWithout(value: unknown, depth: number): unknown {
  if (depth === MAX_DEPTH) return value
  if (isRecord(value)) return recordWithout(value, depth + 1)
  return Array.isArray(value) ? arrayWithout(value, depth + 1) : value
}

function arrayWithout(items: readonly unknown[], depth: number): readonly unknown[] {
  let changed: unknown[] | undefined
  for (const [index, item] of items.entries()) {
    const kept = valueWithout(item, depth)
    if (kept === item) continue
    changed ??= [...items]
    changed[index] = kept
  }
  return changed ?? items
}
