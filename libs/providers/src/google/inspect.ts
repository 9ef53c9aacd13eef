import type { Operation, RequestInspection } from '../provider-adapter.ts'
import { FREE } from '../wire/free.ts'
import { isRecord } from '../wire/is-record.ts'
import { positiveCount } from '../wire/token-count.ts'
import { googleMedia } from './prompt-media.ts'

/** Reads what matters of a request's JSON body (undefined: not JSON). Never throws, whatever the shape. */
export function inspectGoogleRequest(
  { kind, model = '' }: Operation,
  body: unknown,
  sizeBytes: number,
): RequestInspection {
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

/** A batch does not count towards the limits on the other calls. */
const COSTS_NOTHING: ReadonlySet<string> = new Set(['count-tokens', 'batch', 'other'])

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return isRecord(value) ? value : {}
}
