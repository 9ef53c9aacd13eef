import { isRecord, positiveCount } from '../wire/json.ts'

/**
 * Returns the output maximum of a request's body: the largest one under any provider's names, because servers ignore
 * the names that they do not know, and its parameter as the caller wrote it (`max_tokens`,
 * `inferenceConfig.maxTokens`). Undefined where there is none, or one that is not a positive number: a server may take
 * that as no limit at all.
 */
export function statedMaximum(body: Readonly<Record<string, unknown>>): StatedMaximum | undefined {
  let largest = 0
  let parameter = ''
  // A body has fewer members than there are names for a maximum.
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

/** Part of a `RequestInspection`. */
interface StatedMaximum {
  readonly maxOutputTokens: number
  readonly maxOutputParameter: string
}

/**
 * Returns how many outputs a request asks for, under several names of which a server may know any; 1 where it does not
 * say.
 */
export function outputCount(...stated: readonly unknown[]): number {
  return Math.max(1, ...stated.map((value) => positiveCount(value) ?? 1))
}

/** Reads one member: 0 where it is absent, {@link UNKNOWN} where it is not a positive number. */
function maximumOf(stated: unknown): number {
  // Providers treat null as absent.
  return stated === undefined || stated === null ? 0 : (positiveCount(stated) ?? UNKNOWN)
}

const UNKNOWN = Number.POSITIVE_INFINITY

/**
 * Members that contain it in Google's API, in Bedrock's Converse, and in the formats of the models that Bedrock
 * invokes.
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
