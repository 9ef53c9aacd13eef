import { parseObject } from '../../wire/parse-object.ts'
import type { ProviderRequest, ProviderRoute, Reply } from '../simulated-provider.ts'
import { API_VERSIONS } from './api-versions.ts'
import { invalidRequest } from './errors.ts'
import { findModel, type Model } from './model-catalogue.ts'
import { type ProtoMessage, protoMessage } from './proto-json.ts'

/** A call of a method that the model has, with a JSON object for its body. */
export interface MethodRequest extends ProviderRequest {
  readonly json: ProtoMessage
  readonly model: Model
}

export type ModelMethod = (request: MethodRequest) => Reply

/** `POST /{version}/models/{model}:{method}`, as https://google.aip.dev/136 has it. */
export function methodRoutes(methods: ReadonlyMap<string, ModelMethod>): readonly ProviderRoute[] {
  return API_VERSIONS.map((version) => ({
    method: 'POST',
    path: `/${version}/models/:target`,
    handle(request) {
      const [id = '', name = ''] = (request.params.target ?? '').split(':')
      const method = methods.get(name)
      if (method === undefined) return invalidRequest(`The requested URL ${request.path} was not found.`, 404)
      const model = findModel(id)
      if (!model?.methods.includes(name)) return unsupported(id, name, version)
      const json = parseObject(request.body)
      if (json === undefined) {
        return invalidRequest('Invalid JSON payload received. Unexpected end of string. Expected a value.')
      }
      return method({ ...request, json: protoMessage(json), model })
    },
  }))
}

function unsupported(id: string, method: string, version: string): Reply {
  return invalidRequest(
    `models/${id} is not found for API version ${version}, or is not supported for ${method}. Call ListModels to see ` +
      'the list of available models and their supported methods.',
    404,
  )
}
