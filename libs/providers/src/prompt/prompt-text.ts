import { isRecord } from '../wire/is-record.ts'

/** What a request's body holds of what a model reads, in UTF-8 bytes. */
export interface PromptText {
  /** Texts, and data such as a tool's arguments, without the JSON around them. */
  readonly textBytes: number
  /** Definitions of tools, as compact JSON. */
  readonly toolBytes: number
  /** The schema that the response is to follow, as compact JSON. */
  readonly schemaBytes: number
  /** Reasoning and search results that only the provider can open. Some count them, some do not. */
  readonly sealedBytes: number
  /** Messages, or items of another list that is a conversation. */
  readonly turns: number
  /** Tool calls and their results. */
  readonly calls: number
}

/**
 * Measures the text of a prompt in any provider's words. What is known to be no text is left out: names of members, roles, ids and
 * parameters; base64 of media; reasoning that only the provider can open. What is not known counts, so that a server's own member is
 * not overlooked. Never throws, whatever the shape; some 20 ns a value, and the length of its strings.
 */
export function promptText(body: Readonly<Record<string, unknown>>): PromptText {
  const text = { textBytes: 0, toolBytes: 0, schemaBytes: 0, sealedBytes: 0, turns: 0, calls: 0 }
  for (const name in body) {
    const value = body[name]
    if (TOOL_MEMBERS.has(name)) text.toolBytes += jsonBytes(value, MAX_LEVELS)
    else if (SCHEMA_MEMBERS.has(name)) text.schemaBytes += jsonBytes(value, MAX_LEVELS)
    else if (!PARAMETERS.has(name)) addText(name, value, body, text, MAX_LEVELS)
    if (Array.isArray(value) && CONVERSATIONS.has(name)) text.turns += value.length
  }
  return text
}

function addText(name: string, value: unknown, holder: unknown, text: Writable<PromptText>, levels: number): void {
  if (typeof value === 'string') {
    if (SEALED.has(name) || (name === 'data' && isSealed(holder))) text.sealedBytes += value.length
    else if (!isNoText(name, value, holder)) text.textBytes += Buffer.byteLength(value)
  } else if (levels === 0) {
    return
  } else if (Array.isArray(value)) {
    for (const item of value) {
      if (typeof item === 'number') text.textBytes += BYTES_OF_A_TOKEN_ID
      // The name is that of the list: what is in an `input` is messages, while an `input` that is an object is data.
      else addText(typeof item === 'string' ? name : '', item, value, text, levels - 1)
    }
  } else if (isRecord(value)) {
    if (DATA_MEMBERS.has(name)) text.textBytes += jsonBytes(value, levels)
    else if (TOOL_MEMBERS.has(name)) text.toolBytes += jsonBytes(value, levels)
    else if (SCHEMA_MEMBERS.has(name)) text.schemaBytes += jsonBytes(value, levels)
    else {
      for (const member in value) {
        text.calls += CALLS[member] ?? 0
        addText(member, value[member], value, text, levels - 1)
      }
    }
  }
}

/** Anthropic's redacted thinking, and what OpenRouter makes of it. */
function isSealed(holder: unknown): boolean {
  return isRecord(holder) && (holder.type === 'redacted_thinking' || holder.type === 'reasoning.encrypted')
}

function isNoText(name: string, value: string, holder: unknown): boolean {
  if (ENVELOPE.has(name) || value.startsWith('data:')) return true
  const type = isRecord(holder) ? holder.type : undefined
  // Of a document, it may be plain text.
  if (name === 'data') return type !== 'text'
  return name === 'result' && type === 'image_generation_call'
}

/** The length of a value as compact JSON, without the escapes in its strings, which no model sees. */
function jsonBytes(value: unknown, levels: number): number {
  if (typeof value === 'string') return Buffer.byteLength(value) + 2
  if (levels === 0) return 2
  if (Array.isArray(value)) {
    let bytes = 1 + Math.max(1, value.length)
    for (const item of value) bytes += jsonBytes(item, levels - 1)
    return bytes
  }
  if (!isRecord(value)) return String(value).length
  let bytes = 1
  for (const name in value) bytes += Buffer.byteLength(name) + 4 + jsonBytes(value[name], levels - 1)
  return Math.max(2, bytes)
}

/** As deep as a body may be at all where it is looked into. */
const MAX_LEVELS = 200

/** A prompt may come as the tokens' numbers: each stands for as many bytes as a token usually has. */
const BYTES_OF_A_TOKEN_ID = 4

const CONVERSATIONS: ReadonlySet<string> = new Set(['messages', 'input', 'contents'])

const TOOL_MEMBERS: ReadonlySet<string> = new Set(['tools', 'functions', 'toolConfig', 'tool_config'])

const SCHEMA_MEMBERS: ReadonlySet<string> = new Set([
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
])

/** How many calls and results a member stands for: a result also for the call that it belongs to, where that has no such member. */
const CALLS: Readonly<Record<string, number | undefined>> = {
  __proto__: null as never,
  tool_call_id: 2,
  tool_use_id: 2,
  functionResponse: 2,
  function_response: 2,
  call_id: 1,
  toolUseId: 1,
}

/** Objects in a conversation that are data, so that the model reads their members' names too. */
const DATA_MEMBERS: ReadonlySet<string> = new Set(['input', 'args', 'arguments', 'response', 'json'])

/** Of the body itself, besides {@link ENVELOPE}: none of them is text, however long. */
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

/** Members whose text the model does not read: how the conversation is put together, and media. */
const ENVELOPE: ReadonlySet<string> = new Set([
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
])

/** Wherever they stand outside of data. */
const SEALED: ReadonlySet<string> = new Set([
  'thoughtSignature',
  'thought_signature',
  'signature',
  'encrypted_content',
  'encrypted_index',
  'encrypted_stdout',
  'redactedContent',
  'reasoning_opaque',
])

type Writable<T> = { -readonly [Key in keyof T]: T[Key] }
