import type { FieldError } from '@sluice/contracts'
import { isRecord } from '../wire/json.ts'
import { AssistantMessage, type ChatMessage } from './chat-request.ts'

type JsonObject = Readonly<Record<string, unknown>>

/**
 * Removes from an assistant message what a provider's response had for the application to read only: reasoning and
 * citations in its content, and unknown fields with an empty value. Audio becomes its transcript. Returns the same
 * object where there is nothing to remove.
 * @param message of a request, without nulls
 */
export function withoutReadOnlyParts(message: unknown): unknown {
  if (!isRecord(message) || message.role !== 'assistant') return message
  let kept = message
  for (const name in message) {
    if (KNOWN.has(name) || !isEmpty(message[name])) continue
    const { [name]: _, ...others } = kept
    kept = others
  }
  const { content } = kept
  if (Array.isArray(content) && content.some((part) => isReasoning(part) || isCiting(part))) {
    kept = { ...kept, content: content.filter((part) => !isReasoning(part)).map(withoutCitations) }
  }
  return withTranscript(kept)
}

/** Replaces audio by its transcript, unless the message has text already, which is the same. */
function withTranscript(message: JsonObject): JsonObject {
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

/** Fields of a text part. */
const CITATIONS: readonly string[] = ['annotations', 'citations', 'logprobs']

const KNOWN: ReadonlySet<string> = new Set(Object.keys(AssistantMessage.properties))

/** `images: []`, `prefix: false`, `audio_content: ""`. */
function isEmpty(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.keys(value).length === 0
  return value === '' || value === false
}

/** Reasoning parts of Mistral, Databricks and, through LiteLLM, Anthropic; and Mistral's references. */
function isReasoning(part: unknown): boolean {
  return isRecord(part) && typeof part.type === 'string' && REASONING_TYPES.has(part.type)
}

const REASONING_TYPES: ReadonlySet<string> = new Set([
  'thinking',
  'redacted_thinking',
  'reasoning',
  'reference',
  'tool_reference',
])

/**
 * Puts a message's `name` before its text, because other providers have no field for it and it tells several users
 * apart. Ignores a name that is blank or the role's own. Leaves out an assistant's: the model would begin its own
 * messages with it.
 */
export function withSpeakerName(message: ChatMessage): ChatMessage {
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
  const speaker = { type: 'text' as const, text: `${name}:` }
  // In two branches, because the types of their content differ.
  if (message.role === 'user') return { ...message, content: [speaker, ...message.content] }
  return { ...message, content: [speaker, ...message.content] }
}

/** Finds unsupported fields that deserve better advice than "is not known". @param path the message's */
export function unsupportedMember(message: JsonObject, path: string): FieldError | undefined {
  const { role, content } = message
  if (message.cache_control !== undefined) return cacheControl(path)
  if (role === 'assistant') {
    for (const [name, advice] of ADVICE) {
      if (message[name] !== undefined) return { field: `${path}.${name}`, message: advice }
    }
  }
  if (!Array.isArray(content)) return undefined
  if (content.length === 0 && role !== 'assistant' && role !== 'tool') {
    return { field: `${path}.content`, message: 'is an empty list: add a text, or remove the message' }
  }
  const cached = content.findIndex((part) => isRecord(part) && part.cache_control !== undefined)
  if (cached < 0) return undefined
  return cacheControl(`${path}.content.${cached}`)
}

/** Finds `cache_control` on a tool. */
export function toolCacheControl(tools: unknown): FieldError | undefined {
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
      "is not part of OpenAI's API: remove it, or send the request in the provider's own format if that supports it",
  }
}

const ADVICE: readonly (readonly [string, string])[] = [
  ['audio', 'refers to audio that only OpenAI stores: send its transcript as "content"'],
  ['function_call', 'is deprecated: send "tool_calls", and each result in a message with the role "tool"'],
  ['images', 'cannot be sent in an assistant message: send them in a user message'],
]

/**
 * Removes members that are null from a request's body: OpenAI's API treats them as absent, and its SDKs send them where
 * an application returns a response unchanged. Null stays where it has a meaning: as a message's content, in arrays,
 * and inside values that are opaque to OpenAI, such as JSON schemas. Returns the same object where there is none.
 */
export function withoutNulls(body: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return recordWithout(body, 0)
}

/** Levels of objects and arrays: the `function` of a message's tool call is the deepest with parameters of OpenAI's. */
const MAX_DEPTH = 5

/** Values that callers or providers define, and OpenAI's API passes through. */
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
    if (kept === value && !isAbsent(name, value)) continue
    changed ??= new Map(Object.entries(record))
    if (kept === null) changed.delete(name)
    else changed.set(name, kept)
  }
  return changed === undefined ? record : Object.fromEntries(changed)
}

function isAbsent(name: string, value: unknown): boolean {
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
