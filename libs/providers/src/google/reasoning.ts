import type { ExtraContent } from '../unified/chat-completion.ts'
import type { ReasoningEffort } from '../unified/chat-request.ts'
import { refuse } from '../unified/refusal.ts'
import type { Refusal } from '../unified-api.ts'
import { isRecord } from '../wire/json.ts'
import { generationOf, isEarlyGemma } from './models.ts'
import type { ThinkingConfig, ThinkingLevel } from './wire-types.ts'

/**
 * Translates `reasoning_effort` by the table for Google's own OpenAI-compatible API: to levels from Gemini 3 on, to
 * budgets before. The response then includes the thoughts. Undefined leaves it to the model.
 * @see https://ai.google.dev/gemini-api/docs/openai#thinking
 */
export function toThinkingConfig(
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
  /** Undefined where the model does not think. */
  readonly by: ((effort: Effort) => ThinkingConfig) | undefined
  /** Thinking cannot be turned off. */
  readonly always: boolean
}

/** Returns a model's kind of thinking; a model of unknown generation counts as the newest. */
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
/** Gemini 3 Pro has only two levels. */
const FIRST_PRO_LEVELS: typeof LEVELS = { ...PRO_LEVELS, medium: 'high' }

/** Tokens. */
const BUDGETS: Readonly<Record<Effort, number>> = { minimal: 1_024, low: 1_024, medium: 8_192, high: 24_576 }

/**
 * Returns a part's thought signature, which the model expects back, in the member that Google's own OpenAI-compatible
 * API uses.
 * @see https://ai.google.dev/gemini-api/docs/thought-signatures
 */
export function signed(signature: string | undefined): ExtraContent {
  return signature === undefined ? {} : { extra_content: { google: { thought_signature: signature } } }
}

/** Returns the thought signature that the application sends back; undefined where there is none. */
export function signatureOf({ extra_content: extra }: { readonly extra_content?: unknown }): string | undefined {
  const google = isRecord(extra) ? extra.google : undefined
  const signature = isRecord(google) ? google.thought_signature : undefined
  return typeof signature === 'string' ? signature : undefined
}

/** Google's documented placeholder for calls of another model, or whose signature the application has not kept. */
export const PLACEHOLDER_SIGNATURE = 'skip_thought_signature_validator'
