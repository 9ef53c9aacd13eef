import { type FieldError, shapeError } from '@sluice/contracts'
import type { TSchema } from 'typebox'
import type { Refusal } from '../unified-api.ts'
import { isRecord } from '../wire/json.ts'
import { JsonStructure, MAX_DEPTH, MAX_ITEMS, MAX_MEMBERS } from '../wire/json-structure.ts'
import { type ChatMessage, ChatRequest, MESSAGE_SCHEMAS, type UserMessage } from './chat-request.ts'
import {
  toolCacheControl,
  unsupportedMember,
  withoutNulls,
  withoutReadOnlyParts,
  withSpeakerName,
} from './message-history.ts'
import { isRefusal, isWord, refuse, refuseField, refuseParameter } from './refusal.ts'

/** Parameters that only some providers support. */
type OptionalParameter =
  | 'frequency_penalty'
  | 'logprobs'
  | 'metadata'
  | 'n'
  | 'parallel_tool_calls'
  | 'presence_penalty'
  | 'reasoning_effort'
  | 'response_format'
  | 'seed'
  | 'top_logprobs'
  | 'user'

/** OpenAI's parameters that a provider supports. */
export interface ChatAbilities {
  /** Its display name. */
  readonly provider: string
  readonly parameters: ReadonlySet<OptionalParameter>
  /** The parts that a user message may have besides text and images. */
  readonly parts?: readonly PartType[]
}

/**
 * Validates the body of a chat request. A parameter that the provider does not support is refused, never dropped,
 * unless its value is null (at any depth) or the default.
 */
export function readChatRequest(
  body: Readonly<Record<string, unknown>>,
  abilities: ChatAbilities,
): ChatRequest | Refusal {
  const { provider, parameters } = abilities
  const given = Object.entries(withoutNulls(body))
  const requested = Object.fromEntries(given.filter(([name, value]) => isMeaningful(name, value)))
  for (const name in requested) {
    if (!Object.hasOwn(ChatRequest.properties, name)) return refuseParameter(name, provider)
    if (isOptional(name) && !parameters.has(name)) return refuseParameter(name, provider)
  }
  const messages = readMessages(requested.messages, abilities)
  if (isRefusal(messages)) return messages
  if ('field' in messages) return refuseField(messages)
  const cleaned = { ...requested, ...messages }
  const error = toolCacheControl(requested.tools) ?? shapeError(ChatRequest, cleaned)
  if (error !== undefined) return refuseField(error)
  const chat = cleaned as ChatRequest
  return refuseExcessiveArguments(chat.messages) ?? { ...chat, messages: chat.messages.map(withSpeakerName) }
}

/** Returns the output maximum that the caller states; undefined where it states none. */
export function statedMaximum(request: ChatRequest): number | undefined {
  return request.max_completion_tokens ?? request.max_tokens
}

const OPTIONAL: Readonly<Record<OptionalParameter, true>> = {
  frequency_penalty: true,
  logprobs: true,
  metadata: true,
  n: true,
  parallel_tool_calls: true,
  presence_penalty: true,
  reasoning_effort: true,
  response_format: true,
  seed: true,
  top_logprobs: true,
  user: true,
}

function isOptional(name: string): name is OptionalParameter {
  return Object.hasOwn(OPTIONAL, name)
}

/** Values that ask for what every provider does by default. */
const NEUTRAL: ReadonlyMap<string, (value: unknown) => boolean> = new Map([
  ['frequency_penalty', (value: unknown) => value === 0],
  ['logit_bias', isEmptyRecord],
  ['logprobs', (value: unknown) => value === false],
  ['metadata', isEmptyRecord],
  ['modalities', (value: unknown) => Array.isArray(value) && value.length === 1 && value[0] === 'text'],
  ['n', (value: unknown) => value === 1],
  ['parallel_tool_calls', (value: unknown) => value === true],
  ['presence_penalty', (value: unknown) => value === 0],
  ['response_format', (value: unknown) => isRecord(value) && value.type === 'text'],
  ['service_tier', (value: unknown) => value === 'auto' || value === 'default'],
  ['store', (value: unknown) => value === false],
  ['top_logprobs', (value: unknown) => value === 0],
])

function isEmptyRecord(value: unknown): boolean {
  return isRecord(value) && Object.keys(value).length === 0
}

function isMeaningful(name: string, value: unknown): boolean {
  return value !== undefined && NEUTRAL.get(name)?.(value) !== true
}

/**
 * Returns the messages without their read-only parts, or the first error; each is validated by the schema of its role.
 */
function readMessages(
  given: unknown,
  abilities: ChatAbilities,
): { readonly messages?: unknown[] } | FieldError | Refusal {
  if (!Array.isArray(given)) return {}
  const messages: unknown[] = []
  for (const [index, item] of given.entries()) {
    const message = withoutReadOnlyParts(item)
    const error = refuseUnsupportedPart(message, `messages.${index}`, abilities) ?? messageError(message, index)
    if (error !== undefined) return error
    messages.push(message)
  }
  return { messages }
}

function messageError(message: unknown, index: number): FieldError | undefined {
  const path = `messages.${index}`
  const role = isRecord(message) ? message.role : undefined
  const schema: TSchema | undefined =
    typeof role === 'string' && Object.hasOwn(MESSAGE_SCHEMAS, role)
      ? MESSAGE_SCHEMAS[role as keyof typeof MESSAGE_SCHEMAS]
      : undefined
  if (schema !== undefined) {
    return (isRecord(message) ? unsupportedMember(message, path) : undefined) ?? shapeError(schema, message, path)
  }
  return { field: `${path}.role`, message: `must be one of ${Object.keys(MESSAGE_SCHEMAS).join(', ')}` }
}

export type ContentPart = Exclude<UserMessage['content'], string>[number]

/** Types of content parts that only some providers support. */
type PartType = 'file' | 'input_audio'

/**
 * Refuses a message with a content part of an unsupported type, naming the part, its type and the supported types;
 * undefined where it has none. Parts without a type are left to schema validation.
 * @param path the message's
 */
function refuseUnsupportedPart(
  message: unknown,
  path: string,
  { provider, parts = [] }: { readonly provider: string; readonly parts?: readonly PartType[] },
): Refusal | undefined {
  if (!isRecord(message) || !Array.isArray(message.content)) return undefined
  const taken = takenTypes(message.role, parts)
  for (const [index, part] of message.content.entries()) {
    const type: unknown = isRecord(part) ? part.type : undefined
    if (typeof type !== 'string' || taken.includes(type)) continue
    return refusePartType(type, `${path}.content.${index}`, { provider, taken: listed(taken), role: message.role })
  }
  return undefined
}

/** @param path the part's */
export function refusePartType(
  type: string,
  path: string,
  { provider, taken, role = 'user' }: { readonly provider: string; readonly taken: string; readonly role?: unknown },
): Refusal {
  const what = type === 'input_audio' && role === 'user' ? `${provider} takes no audio` : 'This part is not supported'
  const shown = isWord(type) ? ` ("${type}")` : ''
  const whose = isWord(role) ? ` with the role "${role}"` : ''
  return refuse(
    `${path}.type`,
    `${what}${shown}: for ${provider}, a message${whose} may have parts of the types ${taken}.`,
  )
}

function takenTypes(role: unknown, parts: readonly PartType[]): readonly string[] {
  switch (role) {
    case 'user':
      return ['text', 'image_url', ...parts]
    case 'tool':
      return ['text', 'image_url', ...parts.filter((part) => part !== 'input_audio')]
    case 'assistant':
      return ['text', 'refusal']
    default:
      return ['text']
  }
}

function listed(types: readonly string[]): string {
  return types.length < 2 ? types.join('') : `${types.slice(0, -1).join(', ')} and ${types.at(-1)}`
}

/**
 * Refuses a conversation whose tool calls have too many arguments to parse, all calls together; undefined where they
 * are within bounds. The arguments are JSON inside strings, which the limits on the body itself do not cover.
 */
function refuseExcessiveArguments(messages: readonly ChatMessage[]): Refusal | undefined {
  let members = 0
  let items = 0
  for (const message of messages) {
    if (message.role !== 'assistant') continue
    for (const call of message.tool_calls ?? []) {
      // A structure of its own: text that is not JSON may end inside a string.
      const structure = new JsonStructure()
      structure.push(Buffer.from(call.function.arguments))
      members += structure.members
      items += Math.max(0, structure.items)
      if (structure.depth > MAX_DEPTH) return TOO_DEEP
      if (members > MAX_MEMBERS || items > MAX_ITEMS) return TOO_MUCH
    }
  }
  return undefined
}

const TOO_DEEP = refuse('messages', `The arguments of a tool call are nested more than ${MAX_DEPTH} levels deep.`)
const TOO_MUCH = refuse(
  'messages',
  `The arguments of the tool calls have more than ${MAX_MEMBERS} objects, arrays and members, or more than ${MAX_ITEMS} other items.`,
)
