import { parseObject } from '../../wire/parse-object.ts'
import type { ProviderRequest, ProviderRoute, Reply } from '../simulated-provider.ts'
import { validationError } from './errors.ts'
import { findModel, type Model } from './model-catalogue.ts'

/** A request whose path names a model that exists and whose body is a JSON object. */
export interface ModelRequest extends ProviderRequest {
  readonly json: Readonly<Record<string, unknown>>
  readonly model: Model
}

/** `POST /model/{modelId}/{operation}` */
export function modelRoute(operation: string, handle: (request: ModelRequest) => Reply): ProviderRoute {
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
