import { type Static, Type } from 'typebox'
import { toReasoning } from '../claude/parameters.ts'
import type { ExtraContent } from '../unified/chat-completion.ts'
import type { AssistantMessage, ChatRequest, ReasoningEffort } from '../unified/chat-request.ts'
import { Place } from '../unified/place.ts'
import { statedMaximum } from '../unified/read-chat-request.ts'
import { isRefusal, readShape, refuse } from '../unified/refusal.ts'
import type { Refusal, UnifiedRequest } from '../unified-api.ts'
import { type FoundationModel, foundationModel } from './models.ts'
import type { ReasoningBlock } from './wire-types.ts'

/** A request's parameters for reasoning. */
interface ReasoningFields {
  /** Members of `additionalModelRequestFields`, in the format of the model's maker. */
  readonly fields: Readonly<Record<string, unknown>>
  /** The output maximum that the request must then state. */
  readonly maxTokens?: number
}

/** Translates `reasoning_effort`, for models with a known equivalent. */
export function toReasoningFields(
  chat: ChatRequest,
  { model: id, defaultMaxOutputTokens }: UnifiedRequest,
): ReasoningFields | Refusal {
  const { reasoning_effort: effort } = chat
  if (effort === undefined) return { fields: {} }
  const model = foundationModel(id)
  if (model?.maker === 'anthropic') {
    return claudeFields(chat, model, statedMaximum(chat) ?? defaultMaxOutputTokens)
  }
  if (model?.maker === 'openai') return gptFields(effort, model)
  if (model !== undefined && isReasoningNova(model)) return novaFields(chat, effort)
  return refuse(
    'reasoning_effort',
    model?.maker !== 'amazon'
      ? `The model "${id}" has no known reasoning effort: use Anthropic's Claude, OpenAI's models or Amazon Nova 2 or later.`
      : `The model "${id}" does not reason.`,
  )
}

/** @see https://docs.aws.amazon.com/bedrock/latest/userguide/claude-messages-adaptive-thinking.html */
function claudeFields(chat: ChatRequest, { name }: FoundationModel, maxTokens: number): ReasoningFields | Refusal {
  const reasoning = toReasoning(chat, name.replace(VERSION, ''), maxTokens)
  if (isRefusal(reasoning)) return reasoning
  const { thinking, effort } = reasoning
  const fields = {
    ...(thinking === undefined ? {} : { thinking }),
    ...(effort === undefined ? {} : { output_config: { effort } }),
  }
  // The budget is a share of the maximum, which the request must then state.
  return thinking?.type === 'enabled' ? { fields, maxTokens } : { fields }
}

/** Bedrock's version suffix, which Anthropic's names do not have. */
const VERSION = /-v\d+(?::.*)?$/

/**
 * gpt-oss has three levels. Later OpenAI models get any of OpenAI's levels, and return an error of their own for those
 * they do not support.
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-openai.html
 */
function gptFields(effort: ReasoningEffort, { name }: FoundationModel): ReasoningFields | Refusal {
  const isAccepted = isLevel(effort) || !name.startsWith('gpt-oss-')
  return isAccepted ? { fields: { reasoning_effort: effort } } : refuseLevel("OpenAI's gpt-oss", LEVELS)
}

/** Returns whether a model is a Nova after the first generation. Amazon's other models, Titan, do not reason. */
function isReasoningNova({ maker, name }: FoundationModel): boolean {
  return maker === 'amazon' && name.startsWith('nova-') && !FIRST_NOVA.test(name)
}

const FIRST_NOVA = /^nova-(?:micro|lite|pro|premier|sonic|canvas|reel)-v1(?:$|:)/

/** @see https://docs.aws.amazon.com/nova/latest/nova2-userguide/extended-thinking.html */
function novaFields(chat: ChatRequest, effort: ReasoningEffort): ReasoningFields | Refusal {
  if (effort === 'none') return { fields: { reasoningConfig: { type: 'disabled' } } }
  if (!isLevel(effort)) return refuseLevel('Amazon Nova', ['none', ...LEVELS])
  const limit = effort === 'high' ? LIMITS.find((name) => chat[name] !== undefined) : undefined
  if (limit !== undefined) return refuse(limit, `Amazon Nova accepts no "${limit}" while "reasoning_effort" is "high".`)
  return { fields: { reasoningConfig: { type: 'enabled', maxReasoningEffort: effort } } }
}

const LEVELS = ['low', 'medium', 'high'] as const

function isLevel(effort: ReasoningEffort): effort is (typeof LEVELS)[number] {
  return LEVELS.some((level) => level === effort)
}

function refuseLevel(models: string, levels: readonly string[]): Refusal {
  return refuse('reasoning_effort', `${models} has the reasoning efforts ${levels.join(', ')}.`)
}

const LIMITS = ['max_completion_tokens', 'max_tokens', 'temperature', 'top_p'] as const

const closed = { additionalProperties: false } as const

/** Reasoning as the model returned it, signed or encrypted, and its place in the message. */
export type PlacedReasoning = Static<typeof PlacedReasoning>
const PlacedReasoning = Type.Union([
  Type.Object({ text: Type.String(), signature: Type.String(), at: Place }, closed),
  /** Base64. */
  Type.Object({ redactedContent: Type.String(), at: Place }, closed),
])

/**
 * The `extra_content.bedrock` of a response's message: the reasoning that the model expects back unchanged and in
 * place, above all in the turn that follows tool calls. Only signed or encrypted reasoning is expected back; the rest
 * is for reading.
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ReasoningTextBlock.html
 */
const ReasoningContent = Type.Object({ reasoning: Type.Array(PlacedReasoning) }, closed)

/** Returns the reasoning as a member of a message or delta; no member where there was none. */
export function extraContent(reasoning: readonly PlacedReasoning[]): ExtraContent {
  return reasoning.length === 0 ? {} : { extra_content: { bedrock: { reasoning } } }
}

/** Reads the reasoning that the application sends back. @param path the message's */
export function readReasoning({ extra_content: extra }: AssistantMessage, path: string): PlacedReasoning[] | Refusal {
  const content = extra?.bedrock
  if (content === undefined) return []
  const read = readShape(ReasoningContent, content, `${path}.extra_content.bedrock`)
  return isRefusal(read) ? read : read.reasoning
}

export function toReasoningBlock(reasoning: PlacedReasoning): ReasoningBlock {
  if ('redactedContent' in reasoning) {
    return { reasoningContent: { redactedContent: reasoning.redactedContent } }
  }
  const { text, signature } = reasoning
  return { reasoningContent: { reasoningText: { text, signature } } }
}

/** Collects the pieces of one streamed reasoning block. */
export class ReasoningPieces {
  readonly #at: Place
  #text = ''
  #signature = ''
  readonly #redacted: Buffer[] = []

  constructor(at: Place) {
    this.#at = at
  }

  /** Adds a `reasoningContent` delta. Returns its text. */
  add({ text, signature, redactedContent }: Readonly<Record<string, unknown>>): string {
    if (typeof signature === 'string') this.#signature += signature
    if (typeof redactedContent === 'string') this.#redacted.push(Buffer.from(redactedContent, 'base64'))
    if (typeof text !== 'string') return ''
    this.#text += text
    return text
  }

  /** Returns what the application has to send back. */
  placed(): PlacedReasoning[] {
    const at = this.#at
    if (this.#redacted.length > 0) return [{ redactedContent: Buffer.concat(this.#redacted).toString('base64'), at }]
    return this.#signature === '' ? [] : [{ text: this.#text, signature: this.#signature, at }]
  }
}
