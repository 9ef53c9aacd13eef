import { PERIOD_MS, type Period } from '@sluice/contracts'

/** What a quota of Bedrock's limits: the calls of one model in one way. */
export interface BedrockQuota {
  /**
   * The id by which calls name the model: the model's own, or the inference profile's where the quota is of those. Where that is not
   * certain, AWS's name for the model and the way of calling, `Amazon Nova Sonic (cross-region)`, which no call names.
   */
  readonly model: string
  /** Whether `model` is an id. */
  readonly isModelKnown: boolean
  /** `requests-per-minute`, `tokens-per-day`, … */
  readonly dimension: string
  readonly periodMs: number
}

/**
 * What the quota of this name limits. Nothing but its name tells: `On-demand model inference tokens per minute for Amazon Nova Lite`.
 * `unreadable` where it is about calls of models but cannot be made out, `other` where it is about something else (agents, batch jobs,
 * guardrails, the endpoint bedrock-mantle, …), as most of them are.
 * @param region where the quota was read, which has inference profiles of its geography
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

/** The `InvokeModel` of newer names stands for every API of inference, as `model inference` did. */
const RATE =
  /^(on-demand|(?:global )?cross-region)(?:,? (latency-optimized))? (?:model inference|invokemodel) (requests|(?:input |output )?tokens) per (minute|hour|day) for (.+)$/i

/** Holds for on-demand calls. What it is for others is not told so that it could be relied on. */
const DAILY = /^model invocation max tokens per day for (.+?)(?: \(doubled for cross-region calls\))?$/i

interface NameParts {
  /** In lower case. */
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
 * How the ids of a region's inference profiles begin, where they all begin alike: those of Tokyo begin with `apac` or `jp`.
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-support.html
 */
function geographyOf(region: string): string | undefined {
  return /^(us-gov|us|eu)-/.exec(region)?.[1]
}

function isPeriod(text: string | undefined): text is Period {
  return text !== undefined && Object.hasOwn(PERIOD_MS, text)
}

/**
 * The id of the model that Service Quotas calls so, such as `Anthropic Claude 3.5 Sonnet V2`; undefined unless it is certain. AWS
 * writes the same name with `V1` at its end and without.
 */
function quotaModelId(name: string): string | undefined {
  const key = name.toLowerCase().replaceAll(/\s+/g, ' ').trim()
  return MODEL_IDS.get(key) ?? MODEL_IDS.get(key.replace(/ v1$/, ''))
}

/**
 * The names that quotas have (https://docs.aws.amazon.com/general/latest/gr/bedrock.html#limits_bedrock) and the ids of the models
 * that have these names (https://docs.aws.amazon.com/bedrock/latest/userguide/models-supported.html).
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
