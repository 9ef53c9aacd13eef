import { jsonResponse } from '../../wire/json-answer.ts'
import type { Answer, ProviderRoute } from '../simulated-provider.ts'
import { invalidRequest } from './errors.ts'
import { findModel, MODELS, type Model } from './model-catalogue.ts'

/** https://platform.openai.com/docs/api-reference/models/list */
export const listModels: ProviderRoute = {
  method: 'GET',
  path: '/v1/models',
  handle: () => ({ answer: (): Answer => jsonResponse({ object: 'list', data: MODELS.map(describe) }) }),
}

/** https://platform.openai.com/docs/api-reference/models/retrieve */
export const retrieveModel: ProviderRoute = {
  method: 'GET',
  path: '/v1/models/:model',
  handle({ params }) {
    const model = findModel(params.model ?? '')
    return model === undefined
      ? invalidRequest(404, `The model '${params.model}' does not exist`, 'model', 'model_not_found')
      : { answer: () => jsonResponse(describe(model)) }
  },
}

function describe(model: Model) {
  return { id: model.id, object: 'model', created: model.createdAtS, owned_by: 'system' }
}
