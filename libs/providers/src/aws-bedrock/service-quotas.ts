import { PERIOD_MS, type Period } from '@sluice/contracts'
import { quotaModelId } from './quota-model-ids.ts'

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
  const id = variant === undefined ? calledId(way, model, region) : undefined
  const words = [way === ON_DEMAND && variant === undefined ? undefined : way, variant?.toLowerCase()]
  const remark = words.filter((word) => word !== undefined).join(', ')
  return {
    model: id ?? (remark === '' ? model : `${model} (${remark})`),
    isModelKnown: id !== undefined,
    dimension: `${metric.toLowerCase().replace(' ', '-')}-per-${period}`,
    periodMs: PERIOD_MS[period],
  }
}

function calledId(way: string, model: string, region: string): string | undefined {
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
