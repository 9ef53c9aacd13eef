import type { Operation, RequestInspection } from '../provider-adapter.ts'
import { FREE } from '../wire/free.ts'
import { isRecord } from '../wire/is-record.ts'
import { positiveCount } from '../wire/token-count.ts'
import { converseMedia, invokeMedia } from './prompt-media.ts'

/** Reads what matters of a request's JSON body (undefined: not JSON). Never throws, whatever the shape. */
export function inspectBedrockRequest(
  { kind, model = '' }: Operation,
  body: unknown,
  sizeBytes: number,
): RequestInspection {
  if (!isRecord(body) || kind === 'count-tokens') return { ...FREE, model }
  const invokes = kind === 'invoke' || kind === 'invoke-stream'
  const media = invokes ? invokeMedia(body, model) : converseMedia(body)
  const maxOutputTokens = EMBEDDING_MODEL.test(model) ? 0 : outputMaximum(body)
  return {
    model,
    streamed: kind === 'converse-stream' || kind === 'invoke-stream',
    promptBytes: Math.max(0, sizeBytes - media.inlinedBytes),
    mediaParts: media.parts,
    ...(maxOutputTokens === undefined ? {} : { maxOutputTokens }),
    outputs: invokes ? (positiveCount(body.num_generations ?? body.n) ?? 1) : 1,
    addsUsage: false,
  }
}

const EMBEDDING_MODEL = /embed/

/**
 * Where Converse, and the makers of the models that are invoked, have it.
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters.html
 */
function outputMaximum(body: Readonly<Record<string, unknown>>): number | undefined {
  const inference = isRecord(body.inferenceConfig) ? body.inferenceConfig : {}
  const titan = isRecord(body.textGenerationConfig) ? body.textGenerationConfig : {}
  const stated = [
    inference.maxTokens,
    inference.max_new_tokens,
    titan.maxTokenCount,
    body.max_completion_tokens,
    body.max_tokens,
    body.max_tokens_to_sample,
    body.max_gen_len,
  ]
  return stated.map(positiveCount).find((count) => count !== undefined)
}
