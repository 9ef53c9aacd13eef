import { jsonResponse } from '../../wire/json-answer.ts'
import { versionedRoute } from './api-version.ts'
import { invalidRequest } from './errors.ts'
import { findModel, MODELS, type Model } from './model-catalogue.ts'

/** https://platform.claude.com/docs/en/api/models-list, all on one page. */
export const listModels = versionedRoute('GET', '/v1/models', () => ({
  answer: () =>
    jsonResponse({
      data: MODELS.map(describe),
      has_more: false,
      first_id: MODELS.at(0)?.id ?? null,
      last_id: MODELS.at(-1)?.id ?? null,
    }),
}))

/** https://platform.claude.com/docs/en/api/models */
export const retrieveModel = versionedRoute('GET', '/v1/models/:model', ({ params, requestId }) => {
  const model = findModel(params.model ?? '')
  if (model === undefined) return invalidRequest(`model: ${params.model}`, requestId, 404)
  return { answer: () => jsonResponse(describe(model)) }
})

function describe(model: Model) {
  return { type: 'model', id: model.id, display_name: model.displayName, created_at: model.createdAt }
}
