import { foldedName, pathModels, queryModels, UNREPORTED_MODEL } from '@sluice/providers'
import type { ModelNaming } from '../estimate/body-readings.ts'
import { type GatewayError, gatewayError } from '../http/gateway-error.ts'
import { foreignPathHint } from '../http/path-hints.ts'
import type { Call } from '../relay/call.ts'
import type { UsableConnection } from './connection.ts'

/** Returns whether the connection allows certain models only. */
export function isRestricted({ settings }: UsableConnection): boolean {
  return settings.allowedModels !== undefined
}

/** Returns whether it matters which models are named: some are not allowed, or have limits of their own. */
export function distinguishesModels(connection: UsableConnection): boolean {
  return isRestricted(connection) || connection.settings.enforceDiscovered === true
}

/** Returns whether it matters which models a call names. */
export function isJudged({ connection, operation }: Call): boolean {
  return (operation.usesModel || operation.runsModel !== undefined) && distinguishesModels(connection)
}

/**
 * Decides whether the connection allows every model that a request names, in any place where some server looks for one: body, path and
 * query. A request that two servers could read differently is refused. Costs nothing where every model is allowed and no model has limits
 * of its own.
 * @param naming what the body names; undefined if it was not inspected
 */
export function modelRefusal(call: Call, naming: ModelNaming | undefined): GatewayError | undefined {
  if (!isJudged(call)) return undefined
  const { name } = call.connection.settings
  const ambiguity = ambiguityOf(call, naming)
  if (ambiguity !== undefined) return gatewayError('model_not_allowed', `Connection "${name}" ${ambiguity}`)
  const forbidden = isRestricted(call.connection) ? forbiddenModel(call, naming) : undefined
  if (forbidden === undefined) return undefined
  const { provider } = call.connection.settings
  const foreign = call.operation.unlisted === true ? foreignPathHint(provider, name, call.operation.path) : undefined
  const what =
    forbidden === UNREPORTED_MODEL
      ? `Connection "${name}" is restricted to certain models, and this request's model is unknown.`
      : `Connection "${name}" does not allow the model "${forbidden.slice(0, MAX_SHOWN_CHARS)}".`
  return gatewayError('model_not_allowed', `${what} ${foreign ?? allowed(call.connection)}`)
}

/** Describes what a connection allows, as much of it as a message can hold. */
function allowed({ settings: { allowedModels = [] } }: UsableConnection): string {
  if (allowedModels.length === 0) return 'It allows none.'
  const shown = allowedModels.slice(0, MAX_SHOWN_MODELS).map((model) => `"${model}"`)
  const more = allowedModels.length - shown.length
  return `It allows ${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}.`
}

const MAX_SHOWN_MODELS = 10

function forbiddenModel({ connection, operation, query }: Call, naming: ModelNaming | undefined): string | undefined {
  const { models } = naming ?? { models: [UNREPORTED_MODEL] }
  const named = operation.runsModel === 'unknown' ? [UNREPORTED_MODEL] : models
  const inPath = operation.unlisted ? pathModels(operation.path) : []
  return [...named, ...inPath, ...queryModels(query)].find((model) => !connection.allowsModel(model))
}

/** Returns why two servers could find different models in the request; undefined if they could not. */
function ambiguityOf({ headers }: Call, naming: ModelNaming | undefined): string | undefined {
  const type = headers['content-type']
  if (typeof type === 'string' && OTHER_CHARSET.test(type)) {
    return 'distinguishes models, and takes no body in a charset other than UTF-8.'
  }
  if (naming?.ambiguous === undefined) return undefined
  const { member, isTwice } = naming.ambiguous
  const shown = member.slice(0, MAX_SHOWN_CHARS)
  return isTwice
    ? `distinguishes models, and the body has ${JSON.stringify(shown)} twice.`
    : `distinguishes models, and the body has ${JSON.stringify(shown)}, which servers may read as "${foldedName(shown)}".`
}

const OTHER_CHARSET = /charset\s*=\s*"?(?!(?:utf-?8|us-ascii)\b)/i
const MAX_SHOWN_CHARS = 256
