/** What of Bedrock a connection's role needs access to; `*` stands for any run of characters. */
export interface BedrockAccess {
  /** Ids of foundation models that are called directly. */
  readonly models: readonly string[]
  /** `inference-profile/` or `application-inference-profile/`, and the id. */
  readonly inferenceProfiles: readonly string[]
}

/**
 * The access that lets everything through which `allowedModels` lets through; undefined is everything. Callers name a foundation model
 * or an inference profile, by id or by ARN. What cannot be the name of either is left out.
 */
export function bedrockAccess(allowedModels: readonly string[] | undefined): BedrockAccess {
  if (allowedModels === undefined) return { models: ['*'], inferenceProfiles: EVERY_INFERENCE_PROFILE }
  const resources = allowedModels.filter((name) => BEDROCK_NAME.test(name)).flatMap(resourcesNamed)
  const isModel = (resource: string) => resource.startsWith(MODEL)
  return {
    models: unique(resources.filter(isModel).map((resource) => resource.slice(MODEL.length))),
    inferenceProfiles: unique(resources.filter((resource) => !isModel(resource))),
  }
}

/** By the last part of their ARNs. */
function resourcesNamed(name: string): string[] {
  const [, resource] = BEDROCK_ARN.exec(name) ?? []
  if (resource !== undefined) return [resource]
  if (name === '*') return [`${MODEL}*`, ...EVERY_INFERENCE_PROFILE]
  if (GEOGRAPHY.test(name)) return [`inference-profile/${name}`]
  return name.startsWith('*') ? [MODEL + name, `inference-profile/${name}`] : [MODEL + name]
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)]
}

const MODEL = 'foundation-model/'
const EVERY_INFERENCE_PROFILE = ['inference-profile/*', 'application-inference-profile/*']

/** In a policy `?` and `${` would have a meaning of their own, and a comma in a parameter of CloudFormation. */
const BEDROCK_NAME = /^[A-Za-z0-9.:_*/-]+$/

const BEDROCK_ARN = /^arn:.*:((?:foundation-model|(?:application-)?inference-profile)\/[^/]+)$/

/**
 * The id of a profile that AWS has made is that of a model after a geography: `eu.`, `us-gov.`, `apac.`, `global.`. Ids of models begin
 * with the name of who makes them, and none of these is as short.
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-support.html
 */
const GEOGRAPHY = /^(?:\*|[a-z]{2}|us-gov|apac|amer|global)\./
