import type { Operation, RequestInspection } from '../provider-adapter.ts'
import { FREE } from '../wire/free.ts'
import { isRecord } from '../wire/is-record.ts'
import { outputCount, outputMaximum } from '../wire/output-maximum.ts'
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
    outputs: invokes ? outputCount(body.num_generations, body.n) : 1,
    addsUsage: false,
  }
}

const EMBEDDING_MODEL = /embed/
