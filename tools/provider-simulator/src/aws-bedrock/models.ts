import { parseObject } from '../core/json.ts'
import type { ProviderRequest, ProviderRoute, RouteResult } from '../core/simulated-provider.ts'
import { validationError } from './errors.ts'

/** A model that the simulated Bedrock offers. */
export interface Model {
  readonly id: string
  readonly kind: ModelKind
  /** The member of `additionalModelRequestFields` that makes the model reason; absent if it cannot. */
  readonly reasoning?: 'thinking' | 'reasoningConfig'
  /** The model has no structured output, though others of its kind have. */
  readonly hasNoOutputFormat?: true
}

/** `anthropic` models accept Anthropic's own bodies in `invoke`; `titan-embedding` models only their own. */
type ModelKind = 'anthropic' | 'text' | 'titan-embedding'

/** Finds a model by its id, by the id of an inference profile (`us.…`), or by the ARN of either. */
function findModel(identifier: string): Model | undefined {
  const id = identifier.replace(ARN, '').replace(/^(us|eu|apac|global)\./, '')
  return MODELS.find((model) => model.id === id)
}

const ARN = /^arn:aws:bedrock:[\w-]*:\d*:(foundation-model|inference-profile)\//

/** A selection from https://docs.aws.amazon.com/bedrock/latest/userguide/models-supported.html. */
const MODELS: readonly Model[] = [
  { id: 'anthropic.claude-sonnet-4-5-20250929-v1:0', kind: 'anthropic', reasoning: 'thinking' },
  { id: 'anthropic.claude-haiku-4-5-20251001-v1:0', kind: 'anthropic', reasoning: 'thinking' },
  { id: 'anthropic.claude-opus-4-7', kind: 'anthropic', reasoning: 'thinking', hasNoOutputFormat: true },
  { id: 'amazon.nova-pro-v1:0', kind: 'text' },
  { id: 'amazon.nova-lite-v1:0', kind: 'text' },
  { id: 'amazon.nova-2-lite-v1:0', kind: 'text', reasoning: 'reasoningConfig' },
  { id: 'meta.llama3-3-70b-instruct-v1:0', kind: 'text' },
  { id: 'amazon.titan-embed-text-v2:0', kind: 'titan-embedding' },
]

/** A request whose path names a model that exists and whose body is a JSON object. */
export interface ModelRequest extends ProviderRequest {
  readonly json: Readonly<Record<string, unknown>>
  readonly model: Model
}

/** `POST /model/{modelId}/{operation}` */
export function modelRoute(operation: string, handle: (request: ModelRequest) => RouteResult): ProviderRoute {
  return {
    method: 'POST',
    path: `/model/:modelId/${operation}`,
    handle(request) {
      const model = findModel(request.params.modelId ?? '')
      if (model === undefined) return validationError('The provided model identifier is invalid.')
      const json = parseObject(request.body)
      if (json === undefined) return validationError('The provided request is not valid: it is no JSON object.')
      return handle({ ...request, json, model })
    },
  }
}
