import type { Operation, RequestInspection } from '../provider-adapter.ts'
import { FREE } from '../wire/free.ts'
import { isRecord } from '../wire/is-record.ts'
import { namedModel } from '../wire/named-model.ts'
import { positiveCount } from '../wire/token-count.ts'
import { googleMedia } from './prompt-media.ts'

/** Reads what matters of a request's JSON body (undefined: not JSON). Never throws, whatever the shape. */
export function inspectGoogleRequest(
  { kind, runsModel, model = '' }: Operation,
  body: unknown,
  sizeBytes: number,
): RequestInspection {
  if (runsModel === 'named') return { ...FREE, model: modelOf(body) }
  // Its tokens do not count towards the limits on the other calls.
  if (kind === 'batch') return { ...FREE, model, models: modelsOfBatch(model, body) }
  if (!isRecord(body) || COSTS_NOTHING.has(kind)) return { ...FREE, model }
  const media = googleMedia(body)
  const config = recordOf(body.generationConfig ?? body.generation_config)
  const maxOutputTokens = kind === 'embed' ? 0 : positiveCount(config.maxOutputTokens ?? config.max_output_tokens)
  return {
    model,
    streamed: kind === 'stream',
    promptBytes: Math.max(0, sizeBytes - media.inlinedBytes),
    mediaParts: media.parts,
    ...(typeof (body.cachedContent ?? body.cached_content) === 'string' ? { hasStoredPrompt: true } : {}),
    ...(maxOutputTokens === undefined ? {} : { maxOutputTokens }),
    outputs: positiveCount(config.candidateCount ?? config.candidate_count) ?? 1,
    addsUsage: false,
  }
}

const COSTS_NOTHING: ReadonlySet<string> = new Set(['count-tokens', 'other'])

/** A body names it as `models/gemini-2.5-pro`. */
function modelOf(body: unknown): string {
  return namedModel(body).replace(/^models\//, '')
}

/** That of the path, and those that the batch and its requests name, as Google's types let each do. */
function modelsOfBatch(model: string, body: unknown): string[] {
  const { batch } = recordOf(body)
  const { inputConfig, input_config } = recordOf(batch)
  const { requests: inlined } = recordOf(recordOf(inputConfig ?? input_config).requests)
  const requests = Array.isArray(inlined) ? inlined.map((entry) => recordOf(entry).request) : []
  return [...new Set([model, ...[batch, ...requests].map(modelOf).filter((name) => name !== '')])]
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return isRecord(value) ? value : {}
}
