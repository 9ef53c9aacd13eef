import { claudeMedia } from '../claude/media.ts'
import { memberWatch } from '../naming/ambiguous-member.ts'
import { modelsIn, namedModel, toolModels, UNREPORTED_MODEL, unlistedModels } from '../naming/named-models.ts'
import { inspectPrompt, NO_TOKENS } from '../prompt/inspect-prompt.ts'
import type { Operation, RequestInspection } from '../provider-adapter.ts'
import { inspectUnlisted } from '../unlisted/inspection.ts'
import { arrayOf, isRecord } from '../wire/json.ts'

/**
 * Estimates what a request will use. Never throws, whatever the body.
 * @param body its JSON; undefined where it is not JSON
 */
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

/**
 * A batch's model is that of all its requests; empty where they differ. Its tokens do not count toward the limits on
 * messages.
 */
function batch(requests: unknown): RequestInspection {
  const models = new Set(arrayOf(requests).map((request) => (isRecord(request) ? namedModel(request.params) : '')))
  const [model = ''] = models
  return { ...NO_TOKENS, model: models.size === 1 ? model : '' }
}

/**
 * Returns every model that a request names: its own and its tools', or those of all requests in a batch. Never throws,
 * whatever the body.
 */
export function anthropicNamedModels(operation: Operation, body: unknown): string[] {
  if (!operation.usesModel || operation.unlisted) return unlistedModels(operation, body)
  if (operation.kind !== 'batch') return messageModels(body)
  const requests = isRecord(body) ? arrayOf(body.requests) : []
  if (requests.length === 0) return [UNREPORTED_MODEL]
  return requests.flatMap((request) => (isRecord(request) ? messageModels(request.params) : [UNREPORTED_MODEL]))
}

/** The members that may contain a model's name. */
export const ANTHROPIC_MODEL_MEMBERS = memberWatch(['model', 'models', 'fallbacks', 'tools', 'requests', 'params'])

function messageModels(body: unknown): string[] {
  if (!isRecord(body)) return [UNREPORTED_MODEL]
  return [namedModel(body), ...modelsIn(body.models), ...modelsIn(body.fallbacks), ...toolModels(body.tools)]
}
