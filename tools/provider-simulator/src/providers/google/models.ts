import type { ProviderRoute } from '../simulated-provider.ts'
import { API_VERSIONS } from './api-versions.ts'
import { invalidRequest } from './errors.ts'
import { findModel, MODELS, type Model } from './model-catalogue.ts'
import { prettyResponse } from './pretty-answer.ts'

/** https://ai.google.dev/api/models: the list, all on one page, and each model alone. */
export const modelRoutes: readonly ProviderRoute[] = API_VERSIONS.flatMap((version) => [
  {
    method: 'GET',
    path: `/${version}/models`,
    handle: () => ({ answer: () => prettyResponse({ models: MODELS.map(describe) }) }),
  },
  {
    method: 'GET',
    path: `/${version}/models/:model`,
    handle({ params }) {
      const model = findModel(params.model ?? '')
      return model === undefined
        ? invalidRequest(`models/${params.model} is not found for API version ${version}.`, 404)
        : { answer: () => prettyResponse(describe(model)) }
    },
  },
])

function describe({ id, version, displayName, inputTokenLimit, outputTokenLimit, methods }: Model) {
  return {
    name: `models/${id}`,
    version,
    displayName,
    inputTokenLimit,
    outputTokenLimit,
    supportedGenerationMethods: methods,
  }
}
