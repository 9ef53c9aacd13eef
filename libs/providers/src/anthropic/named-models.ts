import { memberWatch } from '../naming/ambiguous-member.ts'
import { modelsIn, toolModels, UNREPORTED_MODEL, unlistedModels } from '../naming/named-models.ts'
import type { Operation } from '../provider-adapter.ts'
import { isRecord } from '../wire/is-record.ts'
import { namedModel } from '../wire/named-model.ts'

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
