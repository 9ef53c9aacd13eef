import { jsonResponse } from '../core/responses.ts'
import type { ProviderRoute, RouteResult } from '../core/simulated-provider.ts'
import { invalidRequest } from './errors.ts'

/** A model that the simulated Groq offers. */
export interface Model {
  readonly id: string
  /** Unix seconds. */
  readonly createdAtS: number
  readonly ownedBy: string
  readonly contextTokens: number
  readonly maxOutputTokens: number
  /** The values of `reasoning_effort` that the model accepts; none if it does not reason. */
  readonly efforts: readonly string[]
}

export function findModel(id: string): Model | undefined {
  return MODELS.find((model) => model.id === id)
}

const EFFORTS = ['low', 'medium', 'high']

/** A selection from https://console.groq.com/docs/models. */
const MODELS: readonly Model[] = [
  model('llama-3.3-70b-versatile', 1_733_447_754, 'Meta', 131_072, 32_768),
  model('llama-3.1-8b-instant', 1_693_721_698, 'Meta', 131_072, 131_072),
  model('openai/gpt-oss-120b', 1_754_408_224, 'OpenAI', 131_072, 65_536, EFFORTS),
  model('openai/gpt-oss-20b', 1_754_407_957, 'OpenAI', 131_072, 65_536, EFFORTS),
  model('qwen/qwen3-32b', 1_748_396_646, 'Alibaba Cloud', 131_072, 40_960, ['none', 'default']),
]

function model(
  id: string,
  createdAtS: number,
  ownedBy: string,
  contextTokens: number,
  maxOutputTokens: number,
  efforts: readonly string[] = [],
): Model {
  return { id, createdAtS, ownedBy, contextTokens, maxOutputTokens, efforts }
}

/** https://console.groq.com/docs/api-reference#models-list */
export const listModels: ProviderRoute = {
  method: 'GET',
  path: '/openai/v1/models',
  handle: () => ({ respond: () => jsonResponse({ object: 'list', data: MODELS.map(describe) }) }),
}

/** https://console.groq.com/docs/api-reference#models-retrieve; some ids have a slash. */
export const retrieveModel: ProviderRoute = {
  method: 'GET',
  path: '/openai/v1/models/*',
  handle({ params }) {
    const id = params['*'] ?? ''
    const model = findModel(id)
    return model === undefined ? unknownModel(id) : { respond: () => jsonResponse(describe(model)) }
  },
}

export function unknownModel(id: string): RouteResult {
  return invalidRequest(`The model \`${id}\` does not exist or you do not have access to it.`, 404, {
    code: 'model_not_found',
  })
}

function describe({ id, createdAtS, ownedBy, contextTokens, maxOutputTokens }: Model) {
  return {
    id,
    object: 'model',
    created: createdAtS,
    owned_by: ownedBy,
    active: true,
    context_window: contextTokens,
    public_apps: null,
    max_completion_tokens: maxOutputTokens,
  }
}
