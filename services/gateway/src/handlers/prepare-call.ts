import type { RequestInspection } from '@sluice/providers'
import type { UsableConnection } from '../domain/connection.ts'
import { estimateCost, NO_TOKENS } from '../domain/estimate-cost.ts'
import { type GatewayError, gatewayError } from '../domain/gateway-error.ts'
import { parseJsonObject } from '../domain/parse-json-object.ts'
import type { Call, PreparedCall } from './call.ts'
import type { ReadForm } from './read-form.ts'

export type Preparation =
  | { readonly status: 'prepared'; readonly call: PreparedCall; readonly body: Buffer | undefined }
  | { readonly status: 'refused'; readonly error: GatewayError }

/**
 * Looks into a request's body for the model and the cost.
 * @param body the whole body if it is JSON; undefined where it is streamed, or there is none
 * @param form the whole body if it is a form that was read for its model
 */
export function prepareCall(call: Call, body: Buffer | undefined, form?: ReadForm): Preparation {
  const { connection, operation } = call
  const { adapter, settings } = connection
  if (!operation.usesModel) return prepareUncounted(call, body, form)
  if (body === undefined && operation.body === 'json') return refused('invalid_request', NOT_JSON_TYPE)
  const json = body && parseJsonObject(body)
  if (body !== undefined && json === undefined) return refused('invalid_request', NOT_JSON)
  const inspection = inspectionOf(form, adapter.inspect(operation, json, body?.length ?? 0))
  const refusal = modelRefusal(connection, inspection)
  if (refusal !== undefined) return refusal
  const { defaultMaxOutputTokens, tokenReservation } = settings
  const policy = { defaultMaxOutputTokens, tokenReservation, smallestTokenLimit: connection.smallestTokenLimit }
  const estimate = estimateCost(inspection, policy, connection.learned.of(inspection.model))
  return {
    status: 'prepared',
    call: { ...call, inspection, pool: adapter.pool(operation, json, estimate.promptTokens, call.headers), estimate },
    body: body && adapter.outgoingBody(inspection, json, body),
  }
}

/** Costs no tokens; the body is looked into only where it may make a model run, and not every model may be. */
function prepareUncounted(call: Call, body: Buffer | undefined, form: ReadForm | undefined): Preparation {
  const { connection, operation } = call
  const isChecked = operation.runsModel !== undefined && connection.settings.allowedModels !== undefined
  const json = isChecked ? body && parseJsonObject(body) : undefined
  const inspection = inspectionOf(form, connection.adapter.inspect(operation, json, 0))
  const refusal = isChecked ? modelRefusal(connection, inspection) : undefined
  const pool = connection.adapter.pool(operation, json, 0, call.headers)
  return refusal ?? { status: 'prepared', call: { ...call, inspection, pool, estimate: NO_TOKENS }, body }
}

function inspectionOf(form: ReadForm | undefined, inspection: RequestInspection): RequestInspection {
  return form === undefined ? inspection : { ...inspection, model: form.model }
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

function refused(code: 'invalid_request' | 'model_not_allowed', message: string): Preparation {
  return { status: 'refused', error: gatewayError(code, message) }
}

function isTooLong(model: string): boolean {
  if (model.length * MAX_CHAR_BYTES <= MAX_MODEL_BYTES) return false
  return Buffer.byteLength(JSON.stringify(model)) > MAX_MODEL_BYTES
}

/** Where a model has a name that none can have, or is not one that the connection allows. */
function modelRefusal(
  { allowsModel, settings: { name } }: UsableConnection,
  { model, models = [model] }: RequestInspection,
): Preparation | undefined {
  if (isTooLong(model)) return refused('invalid_request', 'The name of the model is too long.')
  const forbidden = models.find((one) => !allowsModel(one))
  if (forbidden === undefined) return undefined
  return refused(
    'model_not_allowed',
    forbidden === ''
      ? `Connection "${name}" is restricted to certain models, and this request's model cannot be told.`
      : `Connection "${name}" does not allow the model "${forbidden.slice(0, MAX_MODEL_BYTES)}".`,
  )
}
