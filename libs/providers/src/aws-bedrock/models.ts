import { refuse } from '../unified/refusal.ts'
import type { Refusal } from '../unified-api.ts'

/** A model's maker and the maker's name for it. */
export interface FoundationModel {
  readonly maker: string
  /** Includes Bedrock's version: `claude-sonnet-4-5-20250929-v1:0`. */
  readonly name: string
}

/**
 * Returns the model of an id, of an inference profile's id (`us.…`), or of the ARN of either. Undefined where the id
 * does not show it: those of application inference profiles, for example, are random.
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/models-supported.html
 */
export function foundationModel(id: string): FoundationModel | undefined {
  const [, maker, name] = MODEL_ID.exec(id.replace(CUSTOM_MODEL, '$1').replace(/^arn:[^/]+\//, '')) ?? []
  return maker === undefined || name === undefined ? undefined : { maker, name }
}

/** Returns whether the id shows that Anthropic made the model. */
export function isClaude(id: string): boolean {
  return foundationModel(id)?.maker === 'anthropic'
}

/** Returns the path of a call to a model, escaped like in AWS's SDKs. */
export function modelPath(id: string, action: 'converse' | 'converse-stream' | 'invoke'): string | Refusal {
  if (!PATH_ID.test(id)) return refuse('model', `"${id}" is not the id or ARN of a model or an inference profile.`)
  return `/model/${encodeURIComponent(id)}/${action}`
}

/**
 * Inference profiles begin with a geography: `us`, `us-gov`, `global`. Longer prefixes are makers, whose model names
 * may have dots: `moonshotai.kimi-k2.5`.
 */
const MODEL_ID = /^(?:[a-z]{2,6}(?:-[a-z]+)?\.)?([a-z0-9]+)\.([^/]+)$/

/** A custom model's ARN contains the base model, followed by an id. */
const CUSTOM_MODEL = /^arn:[^/]+:custom-model\/([^/]+)\/[^/]+$/

/** @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html on `modelId` */
const PATH_ID = /^[a-zA-Z0-9][\w.:/-]{0,2047}$/
