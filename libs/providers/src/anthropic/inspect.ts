import { claudeMedia } from '../claude/prompt-media.ts'
import type { Operation, RequestInspection } from '../provider-adapter.ts'
import { FREE } from '../wire/free.ts'
import { isRecord } from '../wire/is-record.ts'
import { positiveCount } from '../wire/token-count.ts'

/** Reads what matters of a request's JSON body (undefined: not JSON). Never throws, whatever the shape. */
export function inspectAnthropicRequest(operation: Operation, body: unknown, sizeBytes: number): RequestInspection {
  if (!operation.usesModel || !isRecord(body)) return FREE
  // A batch's tokens do not count towards the limits on messages.
  if (operation.kind === 'batch') return { ...FREE, model: onlyModel(body.requests) }
  const model = modelOf(body)
  if (operation.kind === 'count-tokens') return { ...FREE, model }
  const media = claudeMedia(body.messages)
  const maxOutputTokens = positiveCount(body.max_tokens) ?? positiveCount(body.max_tokens_to_sample)
  return {
    model,
    streamed: body.stream === true,
    promptBytes: Math.max(0, sizeBytes - media.inlinedBytes),
    mediaParts: media.parts,
    ...(maxOutputTokens === undefined ? {} : { maxOutputTokens }),
    outputs: 1,
    addsUsage: false,
  }
}

function modelOf(body: unknown): string {
  return isRecord(body) && typeof body.model === 'string' ? body.model : ''
}

/** The model of all of a batch's requests; empty where they have several. */
function onlyModel(requests: unknown): string {
  if (!Array.isArray(requests)) return ''
  const models = new Set(requests.map((request) => (isRecord(request) ? modelOf(request.params) : '')))
  const [model = ''] = models
  return models.size === 1 ? model : ''
}
