import { claudeMedia } from '../claude/prompt-media.ts'
import { inspectPrompt } from '../prompt/inspect-prompt.ts'
import type { Operation, RequestInspection } from '../provider-adapter.ts'
import { inspectUnlisted } from '../unlisted/inspect.ts'
import { FREE } from '../wire/free.ts'
import { isRecord } from '../wire/is-record.ts'
import { namedModel } from '../wire/named-model.ts'

/** Reads what matters of a request's JSON body (undefined: not JSON). Never throws, whatever the shape. */
export function inspectAnthropicRequest(operation: Operation, body: unknown, sizeBytes: number): RequestInspection {
  if (operation.unlisted) {
    return inspectUnlisted(operation, body, sizeBytes, claudeMedia(isRecord(body) ? body.messages : undefined))
  }
  if (!operation.usesModel || !isRecord(body)) {
    return operation.runsModel === undefined ? FREE : { ...FREE, model: namedModel(body) }
  }
  if (operation.kind === 'batch') return batch(body.requests)
  const model = namedModel(body)
  if (operation.kind === 'count-tokens') return { ...FREE, model }
  const media = claudeMedia(body.messages)
  const inspection = inspectPrompt(body, model, 'anthropic', { media, hasOutput: true })
  inspection.streamed = body.stream === true
  return inspection
}

/** Its model is that of all of its requests, empty where they have several. Its tokens do not count towards the limits on messages. */
function batch(requests: unknown): RequestInspection {
  const each = Array.isArray(requests) ? requests : []
  const models = new Set(each.map((request) => (isRecord(request) ? namedModel(request.params) : '')))
  const [model = ''] = models
  return { ...FREE, model: models.size === 1 ? model : '' }
}
