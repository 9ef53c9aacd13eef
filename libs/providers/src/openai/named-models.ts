import { memberWatch } from '../naming/ambiguous-member.ts'
import { modelsIn, toolModels, UNREPORTED_MODEL, unlistedModels } from '../naming/named-models.ts'
import type { Operation } from '../provider-adapter.ts'
import { isRecord } from '../wire/is-record.ts'
import { namedModel } from '../wire/named-model.ts'

/**
 * Every model that a request names: its own, those that it falls back to (OpenRouter, LiteLLM), its tools' (OpenAI's image
 * generation), and those that Groq's compound systems are made of. Never throws, whatever the shape.
 * @see https://openrouter.ai/docs/features/model-routing
 * @see https://console.groq.com/docs/compound
 */
export function openAiNamedModels(operation: Operation, body: unknown): string[] {
  if (!operation.usesModel || operation.unlisted) return unlistedModels(operation, body)
  if (!isRecord(body)) return [UNREPORTED_MODEL]
  const compound = isRecord(body.compound_custom) ? body.compound_custom.models : undefined
  return [
    namedModel(body),
    ...modelsIn(body.models),
    ...modelsIn(body.fallbacks),
    ...toolModels(body.tools),
    ...(isRecord(compound) ? Object.values(compound).flatMap(modelsIn) : modelsIn(compound)),
  ]
}

export const OPENAI_MODEL_MEMBERS = memberWatch([
  'model',
  'models',
  'fallbacks',
  'tools',
  'compound_custom',
  'answering_model',
  'reasoning_model',
])
