import { parseObject } from '../../wire/parse-object.ts'
import type { ProviderRequest, ProviderRoute, Reply } from '../simulated-provider.ts'
import { versionedRoute } from './api-version.ts'
import { invalidRequest } from './errors.ts'
import { messageProblem } from './message-problem.ts'
import type { SchemaByVersion } from './message-schema.ts'
import { findModel, type Model } from './model-catalogue.ts'
import { versionProblem } from './version-problem.ts'

/** A request whose body is valid and names a model that exists. */
export interface ModelRequest extends ProviderRequest {
  readonly json: Readonly<Record<string, unknown>>
  readonly model: Model
}

/** A route that does something with a model: checks what all of them have in common first. */
export function modelRoute(
  path: string,
  schemas: SchemaByVersion,
  handle: (request: ModelRequest) => Reply,
): ProviderRoute {
  return versionedRoute('POST', path, (request, version) => {
    const { requestId } = request
    const json = parseObject(request.body)
    if (json === undefined) return invalidRequest('The request body is not valid JSON: not an object', requestId)
    const problem = messageProblem(json, schemas[version]) ?? versionProblem(json, version)
    if (problem !== undefined) return invalidRequest(problem, requestId)
    const model = findModel(String(json.model))
    if (model === undefined) return invalidRequest(`model: ${String(json.model)}`, requestId, 404)
    return handle({ ...request, json, model })
  })
}
