/** The Bedrock resources that a connection's role needs access to; `*` matches any characters. */
export interface BedrockAccess {
  /** Ids of foundation models that are invoked directly. */
  readonly models: readonly string[]
  /** `inference-profile/` or `application-inference-profile/`, and the id. */
  readonly inferenceProfiles: readonly string[]
}

/**
 * Returns the access that allows everything that `allowedModels` allows; undefined allows everything. Its entries name
 * foundation models or inference profiles, by id or ARN; others are left out.
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

/** Returns resources by the last part of their ARNs. */
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

/** `?` and `${` have a meaning in policies, and a comma in CloudFormation parameters. */
const BEDROCK_NAME = /^[A-Za-z0-9.:_*/-]+$/

const BEDROCK_ARN = /^arn:.*:((?:foundation-model|(?:application-)?inference-profile)\/[^/]+)$/

/**
 * The id of a profile that AWS defines is a geography (`eu.`, `us-gov.`, `apac.`, `global.`) followed by a model's id.
 * A model's id starts with its maker's name, none of which is as short.
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-support.html
 */
const GEOGRAPHY = /^(?:\*|[a-z]{2}|us-gov|apac|amer|global)\./
