import { isRecord } from './is-record.ts'
import { positiveCount } from './token-count.ts'

/**
 * Returns the most output tokens that a request's body asks for: the largest maximum that it states in any provider's words, as servers
 * that know one of them ignore the others. Undefined where it states none, or one that is no positive number: a server may take that as
 * no limit at all.
 */
export function outputMaximum(body: Readonly<Record<string, unknown>>): number | undefined {
  const stated = [body, ...CONFIGS.map((name) => body[name]).filter(isRecord)].flatMap((holder) =>
    MAXIMA.map((name) => holder[name]).filter(isStated),
  )
  return largestCount(stated)
}

/** Returns how many answers a request asks for in several words, of which a server may know any; 1 where it does not say. */
export function outputCount(...stated: readonly unknown[]): number {
  return Math.max(1, ...stated.map((value) => positiveCount(value) ?? 1))
}

function largestCount(stated: readonly unknown[]): number | undefined {
  let largest: number | undefined
  for (const value of stated) {
    const count = positiveCount(value)
    if (count === undefined) return undefined
    largest = Math.max(largest ?? 0, count)
  }
  return largest
}

/** Providers take null as not given. */
function isStated(value: unknown): boolean {
  return value !== undefined && value !== null
}

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
