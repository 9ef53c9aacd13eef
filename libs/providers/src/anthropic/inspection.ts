import { claudeMedia } from '../claude/media.ts'
import { memberWatch } from '../naming/ambiguous-member.ts'
import { modelsIn, namedModel, toolModels, UNREPORTED_MODEL, unlistedModels } from '../naming/named-models.ts'
import { inspectPrompt, NO_TOKENS } from '../prompt/inspect-prompt.ts'
import type { Operation, RequestInspection } from '../provider-adapter.ts'
import { inspectUnlisted } from '../unlisted/inspection.ts'
import { isRecord } from '../wire/json.ts'

/** Reads what matters of a request's JSON body (undefined: not JSON). Never throws, whatever the shape. */
export function inspectAnthropicRequest(operation: Operation, body: unknown, sizeBytes: number): RequestInspection {
  if (operation.unlisted) {
    return inspectUnlisted(operation, body, sizeBytes, claudeMedia(isRecord(body) ? body.messages : undefined))
  }
  if (!operation.usesModel || !isRecord(body)) {
    return operation.runsModel === undefined ? NO_TOKENS : { ...NO_TOKENS, model: namedModel(body) }
  }
  if (operation.kind === 'batch') return batch(body.requests)
  const model = namedModel(body)
  if (operation.kind === 'count-tokens') return { ...NO_TOKENS, model }
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
  return { ...NO_TOKENS, model: models.size === 1 ? model : '' }
}

/** Every model that a request names: its own and its tools', or those of all of a batch's requests. Never throws, whatever the shape. */
export function anthropicNamedModels(operation: Operation, body: unknown): string[] {
  if (!operation.usesModel || operation.unlisted) return unlistedModels(operation, body)
  if (operation.kind !== 'batch') return messageModels(body)
  const requests = isRecord(body) && Array.isArray(body.requests) ? body.requests : []
  if (requests.length === 0) return [UNREPORTED_MODEL]
  return requests.flatMap((request: unknown) =>
    isRecord(request) ? messageModels(request.params) : [UNREPORTED_MODEL],
  )
}

export const ANTHROPIC_MODEL_MEMBERS = memberWatch(['model', 'models', 'fallbacks', 'tools', 'requests', 'params'])

function messageModels(body: unknown): string[] {
  if (!isRecord(body)) return [UNREPORTED_MODEL]
  return [namedModel(body), ...modelsIn(body.models), ...modelsIn(body.fallbacks), ...toolModels(body.tools)]
}
