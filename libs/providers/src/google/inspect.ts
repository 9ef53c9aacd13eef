import { inspectPrompt } from '../prompt/inspect-prompt.ts'
import type { Operation, RequestInspection } from '../provider-adapter.ts'
import { inspectUnlisted } from '../unlisted/inspect.ts'
import { FREE } from '../wire/free.ts'
import { isRecord } from '../wire/is-record.ts'
import { outputCount } from '../wire/output-maximum.ts'
import { googleModel } from './named-models.ts'
import { googleMedia } from './prompt-media.ts'

/** Reads what matters of a request's JSON body (undefined: not JSON). Never throws, whatever the shape. */
export function inspectGoogleRequest(operation: Operation, body: unknown, sizeBytes: number): RequestInspection {
  const { kind, model = '' } = operation
  if (operation.unlisted) {
    const media = isRecord(body) ? googleMedia(body) : undefined
    const inspection = inspectUnlisted(operation, body, sizeBytes, media)
    return { ...inspection, model: googleModel(body) || inspection.model }
  }
  if (!isRecord(body) || COSTS_NOTHING.has(kind)) return { ...FREE, model }
  const media = googleMedia(body)
  const inspection = inspectPrompt(body, model, 'google', { media, hasOutput: kind !== 'embed' })
  inspection.streamed = kind === 'stream'
  const configs = [recordOf(body.generationConfig), recordOf(body.generation_config)]
  inspection.outputs = outputCount(...configs.flatMap((config) => [config.candidateCount, config.candidate_count]))
  return inspection
}

/** A batch's tokens do not count towards the limits on the other calls. */
const COSTS_NOTHING: ReadonlySet<string> = new Set(['batch', 'count-tokens', 'other'])

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return isRecord(value) ? value : {}
}
