import { isRecord } from './is-record.ts'
import { positiveCount } from './token-count.ts'

/**
 * Returns the most output tokens that a request's body asks for: the largest maximum that it states in any provider's words, as servers
 * that know one of them ignore the others. Undefined where it states none, or one that is no positive number: a server may take that as
 * no limit at all.
 */
export function outputMaximum(body: Readonly<Record<string, unknown>>): number | undefined {
  let largest = largestIn(body)
  for (const name of CONFIGS) {
    const config = body[name]
    if (isRecord(config)) largest = Math.max(largest, largestIn(config))
  }
  return largest > 0 && largest < UNKNOWN ? largest : undefined
}

/**
 * Returns the maximum with the parameter that states it, as the caller wrote it (`max_tokens`, `inferenceConfig.maxTokens`): parts of an
 * inspection. Empty where there is no maximum.
 */
export function statedMaximum(
  body: Readonly<Record<string, unknown>>,
): { readonly maxOutputTokens: number; readonly maxOutputParameter: string } | Record<string, never> {
  const maxOutputTokens = outputMaximum(body)
  if (maxOutputTokens === undefined) return {}
  const states = (holder: Readonly<Record<string, unknown>>) =>
    MAXIMA.find((name) => positiveCount(holder[name]) === maxOutputTokens)
  const own = states(body)
  if (own !== undefined) return { maxOutputTokens, maxOutputParameter: own }
  for (const name of CONFIGS) {
    const config = body[name]
    const inside = isRecord(config) ? states(config) : undefined
    if (inside !== undefined) return { maxOutputTokens, maxOutputParameter: `${name}.${inside}` }
  }
  return { maxOutputTokens, maxOutputParameter: 'max_tokens' }
}

/** Returns how many answers a request asks for in several words, of which a server may know any; 1 where it does not say. */
export function outputCount(...stated: readonly unknown[]): number {
  return Math.max(1, ...stated.map((value) => positiveCount(value) ?? 1))
}

/** The largest maximum that is stated here, 0 where none is, {@link UNKNOWN} where one is no positive number. */
function largestIn(holder: Readonly<Record<string, unknown>>): number {
  let largest = 0
  for (const name of MAXIMA) {
    const stated = holder[name]
    // Providers take null as not given.
    if (stated !== undefined && stated !== null) largest = Math.max(largest, positiveCount(stated) ?? UNKNOWN)
  }
  return largest
}

const UNKNOWN = Number.POSITIVE_INFINITY

/**
 * Where Google's API, Bedrock's Converse, and the makers of the models that Bedrock invokes, have it besides the body itself.
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters.html
 */
const CONFIGS = [
  'generationConfig',
  'generation_config',
  'inferenceConfig',
  'textGenerationConfig',
  'additionalModelRequestFields',
] as const

const MAXIMA = [
  'max_tokens',
  'max_completion_tokens',
  'max_output_tokens',
  'max_tokens_to_sample',
  'max_new_tokens',
  'max_gen_len',
  'maxOutputTokens',
  'maxTokens',
  'maxTokenCount',
  'n_predict',
] as const
