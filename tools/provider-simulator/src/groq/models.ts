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
  {
    id: 'llama-3.3-70b-versatile',
    createdAtS: 1_733_447_754,
    ownedBy: 'Meta',
    contextTokens: 131_072,
    maxOutputTokens: 32_768,
    efforts: [],
  },
  {
    id: 'llama-3.1-8b-instant',
    createdAtS: 1_693_721_698,
    ownedBy: 'Meta',
    contextTokens: 131_072,
    maxOutputTokens: 131_072,
    efforts: [],
  },
  {
    id: 'openai/gpt-oss-120b',
    createdAtS: 1_754_408_224,
    ownedBy: 'OpenAI',
    contextTokens: 131_072,
    maxOutputTokens: 65_536,
    efforts: EFFORTS,
  },
  {
    id: 'openai/gpt-oss-20b',
    createdAtS: 1_754_407_957,
    ownedBy: 'OpenAI',
    contextTokens: 131_072,
    maxOutputTokens: 65_536,
    efforts: EFFORTS,
  },
  {
    id: 'qwen/qwen3-32b',
    createdAtS: 1_748_396_646,
    ownedBy: 'Alibaba Cloud',
    contextTokens: 131_072,
    maxOutputTokens: 40_960,
    efforts: ['none', 'default'],
  },
]

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
