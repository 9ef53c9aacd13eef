import { ambiguousMember, foldedName, pathModels, queryModels, UNLISTED_MEMBERS, UNTOLD_MODEL } from '@sluice/providers'
import { type GatewayError, gatewayError } from '../domain/gateway-error.ts'
import type { Call } from './call.ts'
import type { ReadForm } from './read-form.ts'

/** What is known of a request's body when its models are judged. */
export interface JudgedBody {
  /** Of a JSON body, as it came. */
  readonly bytes: Buffer | undefined
  /** The same, parsed; undefined where it is no JSON object. */
  readonly json: Readonly<Record<string, unknown>> | undefined
  /** A form that was read for its model. */
  readonly form: ReadForm | undefined
}

/**
 * Decides whether the connection allows every model that a request names, in any place where some server looks for one: body, path and
 * query. A request that two servers could read differently is refused. Costs nothing where every model is allowed and no model has limits
 * of its own.
 */
export function modelRefusal(call: Call, body: JudgedBody): GatewayError | undefined {
  const { allowedModels, enforceDiscovered } = call.connection.settings
  const isRestricted = allowedModels !== undefined
  // A model's own limits are held by the name that the request states: it must be the one that runs.
  if (!isRestricted && enforceDiscovered !== true) return undefined
  const { operation, connection } = call
  if (!operation.usesModel && operation.runsModel === undefined) return undefined
  const ambiguity = ambiguityOf(call, body)
  if (ambiguity !== undefined) {
    return gatewayError('model_not_allowed', `Connection "${connection.settings.name}" ${ambiguity}`)
  }
  return isRestricted ? forbiddenModel(call, body) : undefined
}

function forbiddenModel(call: Call, { json, form }: JudgedBody): GatewayError | undefined {
  const { connection, operation, query } = call
  const named =
    form?.model === undefined ? connection.adapter.namedModels(operation, json) : formModels(call, form.model)
  const forbidden = [...named, ...queryModels(query)].find((model) => !connection.allowsModel(model))
  if (forbidden === undefined) return undefined
  const { name } = connection.settings
  return gatewayError(
    'model_not_allowed',
    forbidden === UNTOLD_MODEL
      ? `Connection "${name}" is restricted to certain models, and this request's model cannot be told.`
      : `Connection "${name}" does not allow the model "${forbidden.slice(0, MAX_SHOWN_CHARS)}".`,
  )
}

function formModels({ operation }: Call, model: string): readonly string[] {
  if (operation.runsModel === 'untold') return [UNTOLD_MODEL]
  return operation.unlisted ? [model, ...pathModels(operation.path)] : [model]
}

/** Why two servers could find different models in the request; undefined where they could not. */
function ambiguityOf({ headers, operation, connection }: Call, { bytes, json }: JudgedBody): string | undefined {
  const type = headers['content-type']
  if (typeof type === 'string' && OTHER_CHARSET.test(type)) {
    return 'distinguishes models, and takes no body in a charset other than UTF-8.'
  }
  if (bytes === undefined || json === undefined) return undefined
  const watch = operation.unlisted || !operation.usesModel ? UNLISTED_MEMBERS : connection.adapter.modelMembers
  const member = ambiguousMember(bytes, watch)
  if (member === undefined) return undefined
  const shown = member.slice(0, MAX_SHOWN_CHARS)
  return watch.spellings.has(member)
    ? `distinguishes models, and the body has ${JSON.stringify(shown)} twice.`
    : `distinguishes models, and the body has ${JSON.stringify(shown)}, which servers may read as "${foldedName(shown)}".`
}

const OTHER_CHARSET = /charset\s*=\s*"?(?!(?:utf-?8|us-ascii)\b)/i
const MAX_SHOWN_CHARS = 256
