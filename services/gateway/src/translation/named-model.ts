import type { ApiKey } from '../admission/api-key.ts'
import { catchUp, mayBeOutdated } from '../admission/catch-up.ts'
import type { Connection, UsableConnection } from '../admission/connection.ts'
import { accessibleNames, checkAccess } from '../admission/connection-access.ts'
import type { BodyReader } from '../estimate/body-reader.ts'
import { type GatewayError, gatewayError } from '../http/gateway-error.ts'
import type { ApiKeys, Connections } from '../ports.ts'
import { bodyFaultError } from '../relay/inspect-call.ts'
import { type Ended, ok, refused } from '../result.ts'
import { readingTask, type UnifiedBody, type UnifiedCall } from './unified-call.ts'

/** A model as the unified endpoint names it: `CONNECTION/MODEL`. */
interface UnifiedModel {
  readonly connection: string
  /** The provider's own name, which may have slashes too. */
  readonly model: string
}

/** Returns undefined for a name that lacks one of its parts, or is longer than any model's. */
function parseUnifiedModel(name: unknown): UnifiedModel | undefined {
  if (typeof name !== 'string' || name.length > MAX_LENGTH) return undefined
  const slash = name.indexOf('/')
  if (slash <= 0 || slash === name.length - 1) return undefined
  return { connection: name.slice(0, slash), model: name.slice(slash + 1) }
}

/** Returns the name under which the unified endpoint knows a model. */
export function unifiedModelName(connection: string, model: string): string {
  return `${connection}/${model}`
}

/** The longest name of a connection, and the longest model that a permit batch takes. */
const MAX_LENGTH = 64 + 512

export interface ModelDeps {
  readonly bodyReader: BodyReader
  readonly apiKeys: ApiKeys
  readonly connections: Connections
}

/** The connection and the model that a unified request names. */
export interface NamedModel {
  readonly connection: UsableConnection
  readonly model: string
  /** The request's body, which the search has taken over. */
  readonly body: Buffer
}

/** A connection that was found and cannot be used is there too: it decides the headers of the error. */
export type NamedModelResult =
  | { readonly status: 'ok'; readonly value: NamedModel }
  | (Ended & { readonly connection?: Connection | undefined })

/** Reads which connection and model a unified request names. The given body must not be used any more. */
export async function namedModel(
  deps: ModelDeps,
  unified: UnifiedCall,
  { body: given, structure }: UnifiedBody,
): Promise<NamedModelResult> {
  const { apiKey, request } = unified
  const task = readingTask(unified, structure.parseNs)
  const { body, ...named } = await deps.bodyReader.read('unifiedModel', { body: given }, task)
  if (named.isNoObject) return refused(await bodyFaultError(deps, body, task))
  const name = parseUnifiedModel(named.model)
  if (name === undefined) return refused(noConnection(named.model, apiKey, deps.connections))
  let found = deps.connections.byName(name.connection)
  let usable = checkAccess(found, name.connection, apiKey)
  if (usable.status === 'refused' && mayBeOutdated(usable, request, '')) {
    const busy = await catchUp(deps)
    if (busy !== undefined) return { ...refused(busy), connection: found }
    found = deps.connections.byName(name.connection)
    const current = deps.apiKeys.byHash(apiKey.hash) ?? apiKey
    usable = checkAccess(found, name.connection, current, deps.connections)
  }
  if (usable.status !== 'ok') return { ...usable, connection: found }
  return ok({ connection: usable.value, model: name.model, body })
}

/** Returns the error for a model that names no connection. @param model undefined if it is missing; null if it is not a string */
function noConnection(model: string | null | undefined, apiKey: ApiKey, connections: Connections): GatewayError {
  const names = accessibleNames(apiKey, connections, MAX_SHOWN_NAMES).sort()
  const [example = 'openai-prod'] = names
  const known = names.length === 0 ? '' : ` Connections of this API key are ${names.join(', ')}.`
  return gatewayError('invalid_request', `${modelFault(model, example)}${known}`, { param: 'model' })
}

function modelFault(model: string | null | undefined, connection: string): string {
  const form = `"CONNECTION/MODEL", for example "${connection}/${model || 'gpt-4o'}"`
  if (model === undefined) return `The parameter "model" is missing: it must be ${form}.`
  if (model === null) return `The parameter "model" is not a string: it must be ${form}.`
  if (model.length > MAX_SHOWN_CHARS) return 'The parameter "model" is too long to be "CONNECTION/MODEL".'
  if (model.startsWith('/') || model.endsWith('/'))
    return `The model "${model}" lacks a part: it must be "CONNECTION/MODEL".`
  return `The model "${model}" names no connection: it must be ${form}.`
}

const MAX_SHOWN_NAMES = 5
const MAX_SHOWN_CHARS = 200
