import { inspectPrompt } from '../prompt/inspect-prompt.ts'
import type { Operation, RequestInspection } from '../provider-adapter.ts'
import { FREE } from '../wire/free.ts'
import { isRecord } from '../wire/is-record.ts'
import { outputCount } from '../wire/output-maximum.ts'
import { converseMedia, invokeMedia } from './prompt-media.ts'

/** Reads what matters of a request's JSON body (undefined: not JSON). Never throws, whatever the shape. */
export function inspectBedrockRequest({ kind, model = '' }: Operation, body: unknown): RequestInspection {
  if (!isRecord(body) || kind === 'count-tokens') return { ...FREE, model }
  const invokes = kind === 'invoke' || kind === 'invoke-stream'
  const media = invokes ? invokeMedia(body, model) : converseMedia(body)
  const inspection = inspectPrompt(body, model, 'aws-bedrock', { media, hasOutput: !EMBEDDING_MODEL.test(model) })
  inspection.streamed = kind === 'converse-stream' || kind === 'invoke-stream'
  // A prompt of Bedrock's prompt management, which the path names.
  if (model.includes(':prompt/')) inspection.hasStoredPrompt = true
  if (invokes) inspection.outputs = outputCount(body.num_generations, body.n)
  return inspection
}

const EMBEDDING_MODEL = /embed/
