import { jsonResponse } from '../../wire/json-answer.ts'
import type { ProviderRoute, Reply } from '../simulated-provider.ts'
import { invalidRequest } from './errors.ts'
import { findModel, MODELS, type Model } from './model-catalogue.ts'

/** https://console.groq.com/docs/api-reference#models-list */
export const listModels: ProviderRoute = {
  method: 'GET',
  path: '/openai/v1/models',
  handle: () => ({ answer: () => jsonResponse({ object: 'list', data: MODELS.map(describe) }) }),
}

/** https://console.groq.com/docs/api-reference#models-retrieve; the ids of some models have a slash in them. */
export const retrieveModel: ProviderRoute = {
  method: 'GET',
  path: '/openai/v1/models/*',
  handle({ params }) {
    const id = params['*'] ?? ''
    const model = findModel(id)
    return model === undefined ? unknownModel(id) : { answer: () => jsonResponse(describe(model)) }
  },
}

export function unknownModel(id: string): Reply {
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
