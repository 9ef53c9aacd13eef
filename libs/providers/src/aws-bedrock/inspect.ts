import { inspectPrompt } from '../prompt/inspect-prompt.ts'
import { hasStoredPrompt, providerAddsInput } from '../prompt/provider-input.ts'
import type { Operation, RequestInspection } from '../provider-adapter.ts'
import { FREE } from '../wire/free.ts'
import { isRecord } from '../wire/is-record.ts'
import { outputCount, statedMaximum } from '../wire/output-maximum.ts'
import { converseMedia, invokeMedia } from './prompt-media.ts'

/** Reads what matters of a request's JSON body (undefined: not JSON). Never throws, whatever the shape. */
export function inspectBedrockRequest({ kind, model = '' }: Operation, body: unknown): RequestInspection {
  if (!isRecord(body) || kind === 'count-tokens') return { ...FREE, model }
  const invokes = kind === 'invoke' || kind === 'invoke-stream'
  const media = invokes ? invokeMedia(body, model) : converseMedia(body)
  const maximum = EMBEDDING_MODEL.test(model) ? { maxOutputTokens: 0 } : statedMaximum(body)
  return {
    model,
    streamed: kind === 'converse-stream' || kind === 'invoke-stream',
    ...inspectPrompt(body, model, 'aws-bedrock'),
    mediaParts: media.parts,
    mediaTokens: media.tokens,
    // A prompt of Bedrock's prompt management, which the path names.
    ...(model.includes(':prompt/') || hasStoredPrompt(body) ? { hasStoredPrompt: true } : {}),
    ...(providerAddsInput(body, model) ? { providerAddsInput: true } : {}),
    ...maximum,
    outputs: invokes ? outputCount(body.num_generations, body.n) : 1,
    addsUsage: false,
  }
}

const EMBEDDING_MODEL = /embed/
