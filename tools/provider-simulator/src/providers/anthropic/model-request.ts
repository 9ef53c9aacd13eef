import { parseObject } from '../../wire/parse-object.ts'
import type { ProviderRequest, ProviderRoute, Reply } from '../simulated-provider.ts'
import { versionedRoute } from './api-version.ts'
import { invalidRequest } from './errors.ts'
import { messageProblem } from './message-problem.ts'
import type { SchemaByVersion } from './message-schema.ts'
import { findModel, type Model } from './model-catalogue.ts'
import type { Threads } from './threads.ts'
import { versionProblem } from './version-problem.ts'

/** A request whose body is valid and names a model that exists. */
export interface ModelRequest extends ProviderRequest {
  readonly json: Readonly<Record<string, unknown>>
  readonly model: Model
  /** Remembers the conversation under the answer's id, where the request asks for that. */
  hold?(messageId: string, content: readonly object[]): void
}

/** A route that does something with a model: checks what all of them have in common first. */
export function modelRoute(
  path: string,
  schemas: SchemaByVersion,
  handle: (request: ModelRequest) => Reply,
  threads?: Threads,
): ProviderRoute {
  return versionedRoute('POST', path, (request, version) => {
    const { requestId } = request
    const body = parseObject(request.body)
    if (body === undefined) return invalidRequest('The request body is not valid JSON: not an object', requestId)
    const threaded = threads?.resolve(body, request.headers['anthropic-beta'])
    if (threaded && 'problem' in threaded) return invalidRequest(threaded.problem, requestId, threaded.status)
    const json = threaded?.json ?? body
    const problem = messageProblem(json, schemas[version]) ?? versionProblem(json, version)
    if (problem !== undefined) return invalidRequest(problem, requestId)
    const model = findModel(String(json.model))
    if (model === undefined) return invalidRequest(`model: ${String(json.model)}`, requestId, 404)
    return handle({ ...request, json, model, ...(threaded && { hold: threaded.hold }) })
  })
}
