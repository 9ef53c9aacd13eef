import { refuse } from '../unified/refusal.ts'
import type { Refusal } from '../unified-api.ts'

/** Who made a model, and what they call it. */
export interface FoundationModel {
  readonly maker: string
  /** With the version of Bedrock's: `claude-sonnet-4-5-20250929-v1:0`. */
  readonly name: string
}

/**
 * The model behind an id, behind that of an inference profile (`us.…`), or behind the ARN of either. Undefined where the id does
 * not tell: those of application inference profiles, for instance, are made up.
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/models-supported.html
 */
export function foundationModel(id: string): FoundationModel | undefined {
  const [, maker, name] = MODEL_ID.exec(id.replace(CUSTOM_MODEL, '$1').replace(/^arn:[^/]+\//, '')) ?? []
  return maker === undefined || name === undefined ? undefined : { maker, name }
}

/** Whether the id shows that Anthropic made the model. */
export function isClaude(id: string): boolean {
  return foundationModel(id)?.maker === 'anthropic'
}

/** The model's part of a path, escaped as AWS's SDKs do. */
export function modelPath(id: string, action: 'converse' | 'converse-stream' | 'invoke'): string | Refusal {
  if (!PATH_ID.test(id)) return refuse('model', `"${id}" is no id of a model or an inference profile, and no ARN.`)
  return `/model/${encodeURIComponent(id)}/${action}`
}

/** Profiles are of regions: `us`, `us-gov`, `global`. Makers with longer names may have models with a dot: `moonshotai.kimi-k2.5`. */
const MODEL_ID = /^(?:[a-z]{2,6}(?:-[a-z]+)?\.)?([a-z0-9]+)\.([^/]+)$/

/** A custom model's ARN has the model that it was made of, and an id after it. */
const CUSTOM_MODEL = /^arn:[^/]+:custom-model\/([^/]+)\/[^/]+$/

/** @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html on `modelId` */
const PATH_ID = /^[a-zA-Z0-9][\w.:/-]{0,2047}$/
