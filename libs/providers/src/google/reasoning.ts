import type { ExtraContent } from '../unified/chat-completion.ts'
import type { ReasoningEffort } from '../unified/chat-request.ts'
import { refuse } from '../unified/refusal.ts'
import type { Refusal } from '../unified-api.ts'
import { isRecord } from '../wire/json.ts'
import { generationOf, isEarlyGemma } from './models.ts'
import type { ThinkingConfig, ThinkingLevel } from './wire-types.ts'

/**
 * How much to think, by the table that Google has for its own OpenAI-compatible API: levels from Gemini 3, budgets before.
 * Whoever asks for it gets the thoughts too. Undefined: as the model does anyway.
 * @see https://ai.google.dev/gemini-api/docs/openai#thinking
 */
export function thinkingConfig(
  effort: ReasoningEffort | undefined,
  model: string,
): ThinkingConfig | Refusal | undefined {
  if (effort === undefined) return undefined
  const thinks = thinkingOf(model)
  if (effort === 'none') {
    if (thinks.always) return refuse(PARAM, `The model ${model} always reasons.`)
    return thinks.by === undefined ? undefined : { thinkingBudget: 0 }
  }
  if (thinks.by === undefined) return refuse(PARAM, `The model ${model} does not reason.`)
  if (effort === 'xhigh' || effort === 'max') return refuse(PARAM, 'Google\'s highest reasoning effort is "high".')
  return { includeThoughts: true, ...thinks.by(effort) }
}

const PARAM = 'reasoning_effort'

type Effort = Exclude<ReasoningEffort, 'none' | 'xhigh' | 'max'>

interface Thinking {
  /** Undefined: the model does not think. */
  readonly by: ((effort: Effort) => ThinkingConfig) | undefined
  /** It cannot be turned off. */
  readonly always: boolean
}

/** A model whose generation is not known is taken for one of the newest. */
function thinkingOf(model: string): Thinking {
  if (isEarlyGemma(model)) return { by: undefined, always: false }
  const { major, minor } = generationOf(model) ?? NEWEST
  const isPro = /-pro(?:-|$)/.test(model)
  if (major >= 3) {
    const levels = isPro ? (major === 3 && minor === 0 ? FIRST_PRO_LEVELS : PRO_LEVELS) : LEVELS
    return { by: (effort) => ({ thinkingLevel: levels[effort] }), always: true }
  }
  if (major < 2 || minor < 5) return { by: undefined, always: false }
  return { by: (effort) => ({ thinkingBudget: BUDGETS[effort] }), always: isPro }
}

const NEWEST = { major: Number.POSITIVE_INFINITY, minor: 0 }

const LEVELS: Readonly<Record<Effort, ThinkingLevel>> = {
  minimal: 'minimal',
  low: 'low',
  medium: 'medium',
  high: 'high',
}
const PRO_LEVELS: typeof LEVELS = { ...LEVELS, minimal: 'low' }
/** Gemini 3 Pro has but two. */
const FIRST_PRO_LEVELS: typeof LEVELS = { ...PRO_LEVELS, medium: 'high' }

/** Tokens. */
const BUDGETS: Readonly<Record<Effort, number>> = { minimal: 1_024, low: 1_024, medium: 8_192, high: 24_576 }

/**
 * A part's thought signature, which the model wants to see again, where Google's own OpenAI-compatible API has it.
 * @see https://ai.google.dev/gemini-api/docs/thought-signatures
 */
export function signed(signature: string | undefined): ExtraContent {
  return signature === undefined ? {} : { extra_content: { google: { thought_signature: signature } } }
}

export function signatureOf({ extra_content: extra }: { readonly extra_content?: unknown }): string | undefined {
  const google = isRecord(extra) ? extra.google : undefined
  const signature = isRecord(google) ? google.thought_signature : undefined
  return typeof signature === 'string' ? signature : undefined
}

/** What Google documents for calls that come from another model, or whose signature the application has not kept. */
export const PLACEHOLDER_SIGNATURE = 'skip_thought_signature_validator'
