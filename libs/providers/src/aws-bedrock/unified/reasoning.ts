import { toReasoning } from '../../claude/reasoning.ts'
import type { ChatRequest, ReasoningEffort } from '../../unified/chat-request.ts'
import { statedMaximum } from '../../unified/read-chat-request.ts'
import { isRefusal, refuse } from '../../unified/refusal.ts'
import type { Refusal, UnifiedRequest } from '../../unified-api.ts'
import { type FoundationModel, foundationModel } from './model.ts'

/** What of a request is about reasoning. */
export interface ReasoningFields {
  /** Of `additionalModelRequestFields`, in the words of the model's maker. */
  readonly fields: Readonly<Record<string, unknown>>
  /** The output maximum that must be stated with them. */
  readonly maxTokens?: number
}

/** `reasoning_effort`, for the models that are known to have something like it. */
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
      ? `How the model "${id}" is told how much to think is not known: it is for Anthropic's Claude, OpenAI's models and Amazon's Nova from 2.`
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
  // A budget is a share of the maximum, which Bedrock must then know.
  return thinking?.type === 'enabled' ? { fields, maxTokens } : { fields }
}

/** Which is Bedrock's: Anthropic knows the model without it. */
const VERSION = /-v\d+(?::.*)?$/

/**
 * gpt-oss has three levels; later models of OpenAI's are told whatever OpenAI knows, and say themselves what they do not take.
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-openai.html
 */
function gptFields(effort: ReasoningEffort, { name }: FoundationModel): ReasoningFields | Refusal {
  const isTaken = isLevel(effort) || !name.startsWith('gpt-oss-')
  return isTaken ? { fields: { reasoning_effort: effort } } : noSuchLevel("OpenAI's gpt-oss", LEVELS)
}

/** All Novas but those of the first generation; and what else Amazon makes is Titan, which does not reason. */
function isReasoningNova({ maker, name }: FoundationModel): boolean {
  return maker === 'amazon' && name.startsWith('nova-') && !FIRST_NOVA.test(name)
}

const FIRST_NOVA = /^nova-(?:micro|lite|pro|premier|sonic|canvas|reel)-v1(?:$|:)/

/** @see https://docs.aws.amazon.com/nova/latest/nova2-userguide/extended-thinking.html */
function novaFields(chat: ChatRequest, effort: ReasoningEffort): ReasoningFields | Refusal {
  if (effort === 'none') return { fields: { reasoningConfig: { type: 'disabled' } } }
  if (!isLevel(effort)) return noSuchLevel("Amazon's Nova", ['none', ...LEVELS])
  const limit = effort === 'high' ? LIMITS.find((name) => chat[name] !== undefined) : undefined
  if (limit !== undefined) return refuse(limit, `Amazon's Nova takes no "${limit}" where "reasoning_effort" is "high".`)
  return { fields: { reasoningConfig: { type: 'enabled', maxReasoningEffort: effort } } }
}

const LEVELS = ['low', 'medium', 'high'] as const

function isLevel(effort: ReasoningEffort): effort is (typeof LEVELS)[number] {
  return LEVELS.some((level) => level === effort)
}

function noSuchLevel(models: string, levels: readonly string[]): Refusal {
  return refuse('reasoning_effort', `${models} has the levels ${levels.join(', ')}.`)
}

const LIMITS = ['max_completion_tokens', 'max_tokens', 'temperature', 'top_p'] as const
