import { isRecord, positiveCount } from '../wire/json.ts'

/**
 * Returns the most output tokens that a request's body asks for: the largest maximum that it states in any provider's words, as servers
 * that know one of them ignore the others, with the parameter that states it, as the caller wrote it (`max_tokens`,
 * `inferenceConfig.maxTokens`). Undefined where it states none, or one that is no positive number: a server may take that as no limit at all.
 */
export function statedMaximum(body: Readonly<Record<string, unknown>>): StatedMaximum | undefined {
  let largest = 0
  let parameter = ''
  // A body has fewer members than there are words for a maximum.
  for (const name in body) {
    const place = PLACES.get(name)
    if (place === undefined) continue
    const value = body[name]
    if (place === 'maximum') {
      const stated = maximumOf(value)
      if (stated > largest) [largest, parameter] = [stated, name]
    } else if (isRecord(value)) {
      for (const inner in value) {
        if (PLACES.get(inner) !== 'maximum') continue
        const stated = maximumOf(value[inner])
        if (stated > largest) [largest, parameter] = [stated, `${name}.${inner}`]
      }
    }
  }
  if (largest === 0 || largest === UNKNOWN) return undefined
  return { maxOutputTokens: largest, maxOutputParameter: parameter }
}

/** Parts of an inspection. */
export interface StatedMaximum {
  readonly maxOutputTokens: number
  readonly maxOutputParameter: string
}

/** Returns how many answers a request asks for in several words, of which a server may know any; 1 where it does not say. */
export function outputCount(...stated: readonly unknown[]): number {
  return Math.max(1, ...stated.map((value) => positiveCount(value) ?? 1))
}

/** What one member states: 0 where it is not given, {@link UNKNOWN} where it is no positive number. */
function maximumOf(stated: unknown): number {
  // Providers take null as not given.
  return stated === undefined || stated === null ? 0 : (positiveCount(stated) ?? UNKNOWN)
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

const PLACES: ReadonlyMap<string, 'maximum' | 'config'> = new Map([
  ...MAXIMA.map((name) => [name, 'maximum'] as const),
  ...CONFIGS.map((name) => [name, 'config'] as const),
])
