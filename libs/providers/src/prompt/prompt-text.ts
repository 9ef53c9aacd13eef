import { isRecord } from '../wire/json.ts'

/** The part of a request's body that a model reads, in UTF-8 bytes. */
export interface PromptText {
  /** Texts, and data such as tool arguments, without the JSON around them. */
  readonly textBytes: number
  /**
   * The text's extra cost over the same number of bytes of prose, in bytes of prose: of code, JSON, numbers, keys,
   * emoji.
   */
  readonly denseBytes: number
  /** Definitions of tools, as compact JSON. */
  readonly toolBytes: number
  /** The response schema, as compact JSON. */
  readonly schemaBytes: number
  /** Encrypted reasoning and search results. Some providers count them, some do not. */
  readonly sealedBytes: number
  /** Messages, or items of another list with a conversation. */
  readonly turns: number
  /** Tool calls and their results. */
  readonly calls: number
}

/**
 * Measures the text of a prompt in any provider's format. Excludes what is known not to be text: member names, roles,
 * ids and parameters; base64 of media; encrypted reasoning. Unknown members count, so that a server's own are not
 * overlooked. Never throws, whatever the shape; about 100 ns a value.
 */
export function promptText(body: Readonly<Record<string, unknown>>): PromptText {
  const text = { textBytes: 0, denseBytes: 0, toolBytes: 0, schemaBytes: 0, sealedBytes: 0, turns: 0, calls: 0 }
  for (const name in body) {
    if (PARAMETERS.has(name)) continue
    const value = body[name]
    const meaning = MEMBERS.get(name)?.meaning
    // A name that means data inside a conversation means the conversation itself at the top level.
    addText(meaning === 'data' ? undefined : meaning, value, body, text, MAX_LEVELS)
    if (Array.isArray(value) && CONVERSATIONS.has(name)) text.turns += value.length
  }
  text.denseBytes = Math.max(0, Math.round(text.denseBytes))
  return text
}

/** The meaning of a member's value by its name; undefined: it may be text. */
type Meaning = 'tools' | 'schema' | 'data' | 'sealed' | 'not-text' | 'payload' | 'result'

function addText(
  meaning: Meaning | undefined,
  value: unknown,
  holder: unknown,
  text: Writable<PromptText>,
  levels: number,
): void {
  if (typeof value === 'string') addString(meaning, value, holder, text)
  else if (typeof value !== 'object' || value === null || levels === 0) return
  else if (meaning === 'tools') text.toolBytes += jsonBytes(value, levels)
  else if (meaning === 'schema') text.schemaBytes += jsonBytes(value, levels)
  else if (Array.isArray(value)) addItems(meaning, value, text, levels - 1)
  else if (meaning === 'data') text.textBytes += jsonBytes(value, levels, text)
  else addMembers(value as Readonly<Record<string, unknown>>, text, levels - 1)
}

function addItems(
  meaning: Meaning | undefined,
  items: readonly unknown[],
  text: Writable<PromptText>,
  levels: number,
): void {
  for (let at = 0; at < items.length; at++) {
    const item = items[at]
    if (typeof item === 'object' && item !== null && !Array.isArray(item)) {
      // An object in a list describes itself.
      if (levels > 0) addMembers(item as Readonly<Record<string, unknown>>, text, levels - 1)
    } else if (typeof item === 'number') text.textBytes += BYTES_OF_A_TOKEN_ID
    // Texts have the meaning of their list.
    else addText(typeof item === 'string' ? meaning : undefined, item, items, text, levels)
  }
}

function addMembers(holder: Readonly<Record<string, unknown>>, text: Writable<PromptText>, levels: number): void {
  for (const name in holder) {
    const value = holder[name]
    const member = MEMBERS.get(name)
    if (member === undefined) {
      addText(undefined, value, holder, text, levels)
      continue
    }
    text.calls += member.calls
    if (member.meaning !== 'not-text' || typeof value !== 'string') {
      addText(member.meaning, value, holder, text, levels)
    }
  }
}

function addString(meaning: Meaning | undefined, value: string, holder: unknown, text: Writable<PromptText>): void {
  if (meaning === 'sealed' || (meaning === 'payload' && isSealed(holder))) text.sealedBytes += value.length
  else if (meaning === 'tools') text.toolBytes += utf8Bytes(value)
  else if (!isNoText(meaning, value, holder)) text.textBytes += utf8Bytes(value, text)
}

/** Anthropic's redacted thinking, and OpenRouter's form of it. */
function isSealed(holder: unknown): boolean {
  return isRecord(holder) && (holder.type === 'redacted_thinking' || holder.type === 'reasoning.encrypted')
}

function isNoText(meaning: Meaning | undefined, value: string, holder: unknown): boolean {
  if (meaning === 'not-text') return true
  // A data URL.
  if (value.charCodeAt(0) === LETTER_D && value.startsWith('data:')) return true
  if (meaning === 'payload') return !(isRecord(holder) && holder.type === 'text')
  return meaning === 'result' && isRecord(holder) && holder.type === 'image_generation_call'
}

const LETTER_D = 100

/**
 * Returns the length of a value as compact JSON, without escapes in its strings, which models do not see.
 * @param text gets its density, where the model reads it as text
 */
function jsonBytes(value: unknown, levels: number, text?: Writable<PromptText>): number {
  if (typeof value === 'string') {
    if (text !== undefined) text.denseBytes += QUOTES_DENSITY
    return utf8Bytes(value, text) + 2
  }
  if (levels === 0) return 2
  if (Array.isArray(value)) {
    let bytes = 1 + Math.max(1, value.length)
    for (const item of value) bytes += jsonBytes(item, levels - 1, text)
    return bytes
  }
  if (!isRecord(value)) return text === undefined ? String(value).length : utf8Bytes(String(value), text)
  let bytes = 1
  for (const name in value) {
    if (text !== undefined) text.denseBytes += 2 * QUOTES_DENSITY
    bytes += utf8Bytes(name, text) + 4 + jsonBytes(value[name], levels - 1, text)
  }
  return Math.max(2, bytes)
}

/**
 * Returns the length of a text in UTF-8; for a long text estimated from a sample of its characters, because counting
 * them all would take longer than everything else. Exact for text of only ASCII, or of only characters of one length.
 * @param prompt gets its density, from the same sample
 */
function utf8Bytes(text: string, prompt?: Writable<PromptText>): number {
  const { length } = text
  const sampled = length < LONG ? SAMPLED : SAMPLED_OF_LONG
  const step = length <= COUNTED_IN_FULL ? 1 : Math.floor(length / sampled)
  let bits = 0
  let seen = 0
  let density = 0
  for (let at = 0; at < length; at += step) {
    const code = text.charCodeAt(at)
    bits |= code
    density += ASCII_DENSITY[code & 0x7f] as number
    seen++
  }
  if (bits >= 0x80) return mixedUtf8Bytes(text, step, prompt)
  if (prompt !== undefined && seen > 0) prompt.denseBytes += (density / seen) * length
  return length
}

/** {@link utf8Bytes} for a text that is not only ASCII. */
function mixedUtf8Bytes(text: string, step: number, prompt: Writable<PromptText> | undefined): number {
  const { length } = text
  let seen = 0
  let bytes = 0
  let density = 0
  for (let at = 0; at < length; at += step) {
    const code = text.charCodeAt(at)
    seen++
    // Half of a surrogate pair counts two of its four bytes.
    bytes += code < 0x80 ? 1 : code < 0x800 || (code >= 0xd800 && code < 0xe000) ? 2 : 3
    density +=
      code < 0x80 ? (ASCII_DENSITY[code] as number) : code < 0x3000 ? 0 : code < 0xd800 ? CJK_DENSITY : EMOJI_DENSITY
  }
  if (prompt !== undefined) prompt.denseBytes += (density / seen) * length
  return bytes === seen ? length : Math.round((bytes / seen) * length)
}

const COUNTED_IN_FULL = 48
const SAMPLED = 32
/** From this length a text is likely to be most of a prompt. */
const LONG = 1_000
const SAMPLED_OF_LONG = 64

/**
 * The extra cost of a character over its own bytes, in bytes of prose, fitted to o200k's tokens of prose, code,
 * configuration, JSON, logs, tables, numbers and keys. Letters have a small negative cost, so that prose comes out at
 * zero; the sum is never below zero.
 */
const ASCII_DENSITY = Float64Array.from({ length: 0x80 }, (_, code) => {
  const character = String.fromCharCode(code)
  if (/[a-z]/.test(character)) return -0.25
  if (/[A-Z]/.test(character)) return 3.4
  if (/[0-9]/.test(character)) return 1.1
  return code <= 0x20 ? 0 : 1.5
})
const CJK_DENSITY = 0.4
/** For each half of a surrogate pair. */
const EMOJI_DENSITY = 1.2
/** For a pair of quotes. */
const QUOTES_DENSITY = 3

/** Maximum depth of a body that is parsed. */
const MAX_LEVELS = 200

/** A prompt may consist of token ids: each counts as the bytes of an average token. */
const BYTES_OF_A_TOKEN_ID = 4

const CONVERSATIONS: ReadonlySet<string> = new Set(['messages', 'input', 'contents'])

/**
 * Returns the number of calls and results that a member stands for: a result counts its call, too, where the call has
 * no such member.
 */
const CALLS: ReadonlyMap<string, number> = new Map([
  ['tool_call_id', 2],
  ['tool_use_id', 2],
  ['functionResponse', 2],
  ['function_response', 2],
  ['call_id', 1],
  ['toolUseId', 1],
])

const NAMES: Readonly<Record<Meaning, readonly string[]>> = {
  tools: ['tools', 'functions', 'toolConfig', 'tool_config'],
  schema: [
    'response_format',
    'responseFormat',
    'responseSchema',
    'response_schema',
    'responseJsonSchema',
    'response_json_schema',
    '_responseJsonSchema',
    'output_format',
    'outputConfig',
    'output_config',
    'json_schema',
    'schema',
  ],
  // Objects in a conversation whose member names the model reads, too.
  data: ['input', 'args', 'arguments', 'response', 'json'],
  sealed: [
    'thoughtSignature',
    'thought_signature',
    'signature',
    'encrypted_content',
    'encrypted_index',
    'encrypted_stdout',
    'redactedContent',
    'reasoning_opaque',
  ],
  // Media, or text where the object says so.
  payload: ['data'],
  result: ['result'],
  // The conversation's structure, and media.
  'not-text': [
    'type',
    'role',
    'id',
    'model',
    'call_id',
    'callId',
    'item_id',
    'tool_call_id',
    'tool_use_id',
    'toolUseId',
    'status',
    'object',
    'detail',
    'format',
    'media_type',
    'mime_type',
    'mimeType',
    'ttl',
    'effort',
    'file_id',
    'cachedContent',
    'previous_response_id',
    'conversation',
    'url',
    'uri',
    'image_url',
    'video_url',
    'file_url',
    'document_url',
    'audio_url',
    'fileUri',
    'file_uri',
    'bytes',
    'file_data',
    'b64_json',
    'image',
    'images',
    'mask',
    'inputImage',
  ],
}

interface Member {
  readonly meaning: Meaning | undefined
  readonly calls: number
}

/** The meaning of a member's name. */
const MEMBERS: ReadonlyMap<string, Member> = membersByName()

function membersByName(): Map<string, Member> {
  const members = new Map<string, Member>()
  for (const [name, calls] of CALLS) members.set(name, { meaning: undefined, calls })
  for (const [meaning, names] of Object.entries(NAMES)) {
    for (const name of names) members.set(name, { meaning: meaning as Meaning, calls: CALLS.get(name) ?? 0 })
  }
  return members
}

/** Top-level parameters, besides those in {@link MEMBERS}, that are never text, however long. */
const PARAMETERS: ReadonlySet<string> = new Set([
  'metadata',
  'safetySettings',
  'safety_settings',
  'labels',
  'requestMetadata',
  'stream_options',
  'include',
  'tool_choice',
  'prompt_cache_key',
  'safety_identifier',
  'user',
  'anthropic_version',
  'anthropic_beta',
  'service_tier',
])

type Writable<T> = { -readonly [Key in keyof T]: T[Key] }
