import type { RequestInspection } from '@sluice/providers'
import type { UsableConnection } from '../domain/connection.ts'
import { estimateCost, NO_TOKENS } from '../domain/estimate-cost.ts'
import { type GatewayError, gatewayError } from '../domain/gateway-error.ts'
import type { JsonStructure } from '../domain/json-structure.ts'
import type { DataPlane } from '../ports/data-plane.ts'
import type { Call, PreparedCall } from './call.ts'
import type { ReadForm } from './read-form.ts'

export type Preparation =
  | { readonly status: 'prepared'; readonly call: PreparedCall; readonly body: Buffer | undefined }
  | { readonly status: 'refused'; readonly error: GatewayError }

/** A whole JSON body. */
export interface JsonBody {
  readonly body: Buffer
  /** What it is made of; undefined where it is only sent on, as {@link isParsed} tells. */
  readonly structure: JsonStructure | undefined
}

/** Whether a call's JSON body is looked into: for its model and cost, or where it may make a model run that is not allowed. */
export function isParsed({ connection, operation }: Call): boolean {
  return operation.usesModel || isRestricted(operation.runsModel !== undefined, connection)
}

function isRestricted(runsModel: boolean, { settings }: UsableConnection): boolean {
  return runsModel && settings.allowedModels !== undefined
}

/**
 * Looks into a request's body for the model and the cost. A large body is read in another thread, and nothing that was read of it is kept.
 * @param json the whole body if it is JSON; undefined where it is streamed, or there is none. It must not be used any more
 * @param form the whole body if it is a form that was read for its model
 */
export async function prepareCall(
  { documents }: DataPlane,
  call: Call,
  json: JsonBody | undefined,
  form?: ReadForm,
): Promise<Preparation> {
  const { connection, operation } = call
  const { adapter, settings } = connection
  if (operation.usesModel && json === undefined && operation.body === 'json') return refused(NOT_JSON_TYPE)

  let body = json?.body
  let inspection: RequestInspection | undefined
  if (json?.structure !== undefined) {
    const { provider } = settings
    const countedBytes = operation.usesModel ? json.body.length : 0
    const task = { owner: call.apiKey.id, estimatedNs: json.structure.parseNs }
    const inspected = await documents.read('inspect', { provider, operation, countedBytes, body: json.body }, task)
    if (inspected !== undefined) ({ inspection, body } = inspected)
    else if (operation.usesModel) return refused(NOT_JSON)
  }
  inspection ??= adapter.inspect(operation, undefined, 0)
  if (form !== undefined) inspection = { ...inspection, model: form.model }
  return preparedCall(call, inspection, body)
}

/** The same for a body whose inspection is there: whether its model is allowed, and what it is expected to cost. */
export function preparedCall(call: Call, inspection: RequestInspection, body: Buffer | undefined): Preparation {
  const { connection, operation } = call
  const { settings } = connection
  const refusal = isParsed(call) ? modelError(connection, inspection) : undefined
  if (refusal !== undefined) return { status: 'refused', error: refusal }
  const { defaultMaxOutputTokens, tokenReservation } = settings
  const policy = { defaultMaxOutputTokens, tokenReservation, smallestTokenLimit: connection.smallestTokenLimit }
  const estimate = operation.usesModel
    ? estimateCost(inspection, policy, connection.learned.of(inspection.model))
    : NO_TOKENS
  return { status: 'prepared', call: { ...call, inspection, estimate }, body }
}

/** Why a connection refuses the models of a request: one has a name that none can have, or is not allowed. */
export function modelError(
  { allowsModel, settings: { name } }: UsableConnection,
  { model, models = [model] }: RequestInspection,
): GatewayError | undefined {
  if (isTooLong(model)) return gatewayError('invalid_request', 'The name of the model is too long.')
  const forbidden = models.find((one) => !allowsModel(one))
  if (forbidden === undefined) return undefined
  const message =
    forbidden === ''
      ? `Connection "${name}" is restricted to certain models, and this request's model cannot be told.`
      : `Connection "${name}" does not allow the model "${forbidden.slice(0, MAX_MODEL_BYTES)}".`
  return gatewayError('model_not_allowed', message)
}

/**
 * Of a model's name as JSON. Applications choose it, and an exchange with the capacity service, which asks for a thousand permits
 * and settles a thousand, must yet be no longer than a message of NATS may be: 1 MiB.
 */
const MAX_MODEL_BYTES = 256
/** Of one UTF-16 code unit as JSON: `\u0001`. */
const MAX_CHAR_BYTES = 6
const NOT_JSON_TYPE = 'This operation takes a JSON body, with content-type application/json.'
const NOT_JSON = 'The body is not a JSON object.'

function refused(message: string): Preparation {
  return { status: 'refused', error: gatewayError('invalid_request', message) }
}

function isTooLong(model: string): boolean {
  if (model.length * MAX_CHAR_BYTES <= MAX_MODEL_BYTES) return false
  return Buffer.byteLength(JSON.stringify(model)) > MAX_MODEL_BYTES
}
