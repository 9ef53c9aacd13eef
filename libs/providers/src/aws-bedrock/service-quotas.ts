import { PERIOD_MS, type Period } from '@sluice/contracts'

/** A Bedrock quota on calls of one model in one way, such as on demand. */
export interface BedrockQuota {
  /**
   * The id in calls: the model's, or an inference profile's where the quota is on cross-region calls. Where that is
   * uncertain, AWS's name of the model with the way of calling, `Amazon Nova Sonic (cross-region)`, which no call
   * contains.
   */
  readonly model: string
  /** `model` is an id. */
  readonly isModelKnown: boolean
  /** `requests-per-minute`, `tokens-per-day`, … */
  readonly dimension: string
  readonly periodMs: number
}

/**
 * Returns what a quota limits, which only its name shows: `On-demand model inference tokens per minute for Amazon Nova
 * Lite`. `unreadable` where the quota is on model calls but the name has an unknown form; `other` for all others, such
 * as agents, batch jobs, guardrails or the bedrock-mantle endpoint.
 * @param region the quota's, which determines the geography of inference profiles
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/quotas-runtime.html
 */
export function readBedrockQuota(name: string, region: string): BedrockQuota | 'unreadable' | 'other' {
  if (!ABOUT_CALLS.test(name)) return 'other'
  const [, way, variant, metric, period, model] = RATE.exec(name) ?? []
  if (way && metric && isPeriod(period) && model) {
    return quota({ way: way.toLowerCase(), variant, metric, period, model }, region)
  }
  const [, ofDay] = DAILY.exec(name) ?? []
  return ofDay ? quota({ way: ON_DEMAND, metric: 'tokens', period: 'day', model: ofDay }, region) : 'unreadable'
}

const ON_DEMAND = 'on-demand'
const ABOUT_CALLS =
  /^(?:(?:on-demand|(?:global )?cross-region)\b.* (?:model inference|invokemodel) |model invocation max )/i

/** `InvokeModel` in newer names means every inference API, as `model inference` does in older ones. */
const RATE =
  /^(on-demand|(?:global )?cross-region)(?:,? (latency-optimized))? (?:model inference|invokemodel) (requests|(?:input |output )?tokens) per (minute|hour|day) for (.+)$/i

/** Quotas per day apply to on-demand calls; what they mean for others is not documented reliably. */
const DAILY = /^model invocation max tokens per day for (.+?)(?: \(doubled for cross-region calls\))?$/i

interface NameParts {
  /** Lower case. */
  readonly way: string
  readonly variant?: string | undefined
  readonly metric: string
  readonly period: Period
  readonly model: string
}

function quota({ way, variant, metric, period, model }: NameParts, region: string): BedrockQuota {
  const id = variant === undefined ? idInCalls(way, model, region) : undefined
  const words = [way === ON_DEMAND && variant === undefined ? undefined : way, variant?.toLowerCase()]
  const remark = words.filter((word) => word !== undefined).join(', ')
  return {
    model: id ?? (remark === '' ? model : `${model} (${remark})`),
    isModelKnown: id !== undefined,
    dimension: `${metric.toLowerCase().replace(' ', '-')}-per-${period}`,
    periodMs: PERIOD_MS[period],
  }
}

function idInCalls(way: string, model: string, region: string): string | undefined {
  const id = quotaModelId(model)
  if (id === undefined || way === ON_DEMAND) return id
  const profile = way.startsWith('global') ? 'global' : geographyOf(region)
  return profile === undefined ? undefined : `${profile}.${id}`
}

/**
 * Returns the prefix of a region's inference profiles; undefined where there are several: those of Tokyo begin with
 * `apac` or `jp`.
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-support.html
 */
function geographyOf(region: string): string | undefined {
  return /^(us-gov|us|eu)-/.exec(region)?.[1]
}

function isPeriod(text: string | undefined): text is Period {
  return text !== undefined && Object.hasOwn(PERIOD_MS, text)
}

/**
 * Returns the id of a model by its name in Service Quotas, such as `Anthropic Claude 3.5 Sonnet V2`; undefined where
 * it is uncertain. AWS writes some names both with and without `V1` at the end.
 */
function quotaModelId(name: string): string | undefined {
  const key = name.toLowerCase().replaceAll(/\s+/g, ' ').trim()
  return MODEL_IDS.get(key) ?? MODEL_IDS.get(key.replace(/ v1$/, ''))
}

/**
 * Model ids by the models' names in quotas.
 * @see https://docs.aws.amazon.com/general/latest/gr/bedrock.html#limits_bedrock for the names
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/models-supported.html for the ids
 */
const MODEL_IDS: ReadonlyMap<string, string> = new Map([
  ['amazon nova micro', 'amazon.nova-micro-v1:0'],
  ['amazon nova lite', 'amazon.nova-lite-v1:0'],
  ['amazon nova pro', 'amazon.nova-pro-v1:0'],
  ['amazon nova premier', 'amazon.nova-premier-v1:0'],
  ['amazon nova 2 lite', 'amazon.nova-2-lite-v1:0'],
  ['amazon titan text embeddings', 'amazon.titan-embed-text-v1'],
  ['amazon titan text embeddings v2', 'amazon.titan-embed-text-v2:0'],
  ['amazon titan multimodal embeddings g1', 'amazon.titan-embed-image-v1'],
  ['anthropic claude 3 haiku', 'anthropic.claude-3-haiku-20240307-v1:0'],
  ['anthropic claude 3 sonnet', 'anthropic.claude-3-sonnet-20240229-v1:0'],
  ['anthropic claude 3 opus', 'anthropic.claude-3-opus-20240229-v1:0'],
  ['anthropic claude 3.5 haiku', 'anthropic.claude-3-5-haiku-20241022-v1:0'],
  ['anthropic claude 3.5 sonnet', 'anthropic.claude-3-5-sonnet-20240620-v1:0'],
  ['anthropic claude 3.5 sonnet v2', 'anthropic.claude-3-5-sonnet-20241022-v2:0'],
  ['anthropic claude 3.7 sonnet', 'anthropic.claude-3-7-sonnet-20250219-v1:0'],
  ['anthropic claude sonnet 4', 'anthropic.claude-sonnet-4-20250514-v1:0'],
  ['anthropic claude opus 4', 'anthropic.claude-opus-4-20250514-v1:0'],
  ['anthropic claude opus 4.1', 'anthropic.claude-opus-4-1-20250805-v1:0'],
  ['anthropic claude sonnet 4.5', 'anthropic.claude-sonnet-4-5-20250929-v1:0'],
  ['anthropic claude haiku 4.5', 'anthropic.claude-haiku-4-5-20251001-v1:0'],
  ['anthropic claude opus 4.5', 'anthropic.claude-opus-4-5-20251101-v1:0'],
  ['anthropic claude opus 4.6', 'anthropic.claude-opus-4-6-v1'],
  ['anthropic claude sonnet 4.6', 'anthropic.claude-sonnet-4-6'],
  ['anthropic claude opus 4.7', 'anthropic.claude-opus-4-7'],
  ['cohere command r', 'cohere.command-r-v1:0'],
  ['cohere command r plus', 'cohere.command-r-plus-v1:0'],
  ['cohere embed english', 'cohere.embed-english-v3'],
  ['cohere embed multilingual', 'cohere.embed-multilingual-v3'],
  ['cohere embed v4', 'cohere.embed-v4:0'],
  ['deepseek r1', 'deepseek.r1-v1:0'],
  ['meta llama 3.1 8b instruct', 'meta.llama3-1-8b-instruct-v1:0'],
  ['meta llama 3.1 70b instruct', 'meta.llama3-1-70b-instruct-v1:0'],
  ['meta llama 3.1 405b instruct', 'meta.llama3-1-405b-instruct-v1:0'],
  ['meta llama 3.2 1b instruct', 'meta.llama3-2-1b-instruct-v1:0'],
  ['meta llama 3.2 3b instruct', 'meta.llama3-2-3b-instruct-v1:0'],
  ['meta llama 3.2 11b instruct', 'meta.llama3-2-11b-instruct-v1:0'],
  ['meta llama 3.2 90b instruct', 'meta.llama3-2-90b-instruct-v1:0'],
  ['meta llama 3.3 70b instruct', 'meta.llama3-3-70b-instruct-v1:0'],
  ['meta llama 4 maverick', 'meta.llama4-maverick-17b-instruct-v1:0'],
  ['meta llama 4 scout', 'meta.llama4-scout-17b-instruct-v1:0'],
  ['mistral pixtral large 25.02', 'mistral.pixtral-large-2502-v1:0'],
  ['openai gpt oss 20b', 'openai.gpt-oss-20b-1:0'],
  ['openai gpt oss 120b', 'openai.gpt-oss-120b-1:0'],
  ['qwen3 32b', 'qwen.qwen3-32b-v1:0'],
  ['qwen3 coder 30b a3b', 'qwen.qwen3-coder-30b-a3b-v1:0'],
  ['qwen3 235b a22b 2507', 'qwen.qwen3-235b-a22b-2507-v1:0'],
])
