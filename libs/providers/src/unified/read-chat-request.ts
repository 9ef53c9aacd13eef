import { type FieldError, shapeError } from '@sluice/contracts'
import type { TSchema } from 'typebox'
import type { Refusal } from '../unified-api.ts'
import { isRecord } from '../wire/is-record.ts'
import { refuseExcessiveArguments } from './bounded-arguments.ts'
import { ChatRequest, MESSAGE_SCHEMAS } from './chat-request.ts'
import { cachedTool, foreignMember, recalledMessage, spokenName } from './message-history.ts'
import { type PartType, refuseForeignPart } from './part-types.ts'
import { isRefusal, refuseField, refuseParameter } from './refusal.ts'
import { withoutNulls } from './without-nulls.ts'

/** The parameters that some providers have something for and others do not. */
export type OptionalParameter =
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

/** What a provider can honour of OpenAI's parameters. */
export interface ChatAbilities {
  /** As people read it. */
  readonly provider: string
  readonly parameters: ReadonlySet<OptionalParameter>
  /** What a message of the user may have besides text and images. */
  readonly parts?: readonly PartType[]
}

/**
 * A chat completion's body, or what is wrong with it. A parameter that the provider cannot honour is refused, never dropped,
 * unless its value asks for nothing: null, at any depth, or what happens anyway.
 */
export function readChatRequest(
  body: Readonly<Record<string, unknown>>,
  abilities: ChatAbilities,
): ChatRequest | Refusal {
  const { provider, parameters } = abilities
  const given = Object.entries(withoutNulls(body))
  const asked = Object.fromEntries(given.filter(([name, value]) => asksForSomething(name, value)))
  for (const name in asked) {
    if (!Object.hasOwn(ChatRequest.properties, name)) return refuseParameter(name, provider)
    if (isOptional(name) && !parameters.has(name)) return refuseParameter(name, provider)
  }
  const messages = readMessages(asked.messages, abilities)
  if (isRefusal(messages)) return messages
  if ('field' in messages) return refuseField(messages)
  const recalled = { ...asked, ...messages }
  const error = cachedTool(asked.tools) ?? shapeError(ChatRequest, recalled)
  if (error !== undefined) return refuseField(error)
  const chat = recalled as ChatRequest
  return refuseExcessiveArguments(chat.messages) ?? { ...chat, messages: chat.messages.map(spokenName) }
}

/** The most tokens that the caller wants; undefined where it does not say. */
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

/** Values that ask for what a provider does anyway. */
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

function asksForSomething(name: string, value: unknown): boolean {
  return value !== undefined && NEUTRAL.get(name)?.(value) !== true
}

/** The messages as they are to be understood, or the first error in them, each by the schema of its role. */
function readMessages(
  given: unknown,
  abilities: ChatAbilities,
): { readonly messages?: unknown[] } | FieldError | Refusal {
  if (!Array.isArray(given)) return {}
  const messages: unknown[] = []
  for (const [index, item] of given.entries()) {
    const message = recalledMessage(item)
    const error = refuseForeignPart(message, `messages.${index}`, abilities) ?? messageError(message, index)
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
    return (isRecord(message) ? foreignMember(message, path) : undefined) ?? shapeError(schema, message, path)
  }
  return { field: `${path}.role`, message: `must be one of ${Object.keys(MESSAGE_SCHEMAS).join(', ')}` }
}
