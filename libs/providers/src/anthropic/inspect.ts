import type { Operation, RequestInspection } from '../provider-adapter.ts'
import { isRecord } from '../wire/is-record.ts'
import { positiveCount } from '../wire/token-count.ts'
import { anthropicMedia } from './prompt-media.ts'

/** Reads what matters of a request's JSON body (undefined: not JSON). Never throws, whatever the shape. */
export function inspectAnthropicRequest(operation: Operation, body: unknown, sizeBytes: number): RequestInspection {
  if (!operation.usesModel || !isRecord(body)) return FREE
  if (operation.kind === 'batch') return { ...FREE, model: onlyModel(body.requests) }
  const model = modelOf(body)
  if (operation.kind === 'count-tokens') return { ...FREE, model }
  const media = anthropicMedia(body.messages)
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

/** Counting tokens costs none, and a batch's do not count towards the limits on messages. */
const FREE: RequestInspection = {
  model: '',
  streamed: false,
  promptBytes: 0,
  mediaParts: 0,
  maxOutputTokens: 0,
  outputs: 1,
  addsUsage: false,
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
