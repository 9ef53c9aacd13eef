import type { RequestInspection } from '@sluice/providers'
import { estimateCost, NO_TOKENS } from '../domain/estimate-cost.ts'
import { type GatewayError, gatewayError } from '../domain/gateway-error.ts'
import { parseJsonObject } from '../domain/parse-json-object.ts'
import type { Call, PreparedCall } from './call.ts'
import { type JudgedBody, modelRefusal } from './judge-models.ts'
import type { ReadForm } from './read-form.ts'

export type Preparation =
  | { readonly status: 'prepared'; readonly call: PreparedCall; readonly body: Buffer | undefined }
  | { readonly status: 'refused'; readonly error: GatewayError }

/**
 * Looks into a request's body for the model and the cost.
 * @param body the whole body if it is JSON; undefined where it is streamed, or there is none
 * @param form the whole body if it is of another kind and was read
 */
export function prepareCall(call: Call, body: Buffer | undefined, form?: ReadForm): Preparation {
  const { connection, operation } = call
  const { adapter, settings } = connection
  if (!operation.usesModel) return prepareUncounted(call, body, form)
  if (isEncoded(call)) return refused(ENCODED)
  if (body === undefined && operation.body === 'json') return refused(NOT_JSON_TYPE)
  const json = body === undefined ? form?.json : parseJsonObject(body)
  // What is not known to take JSON may take something else under its name.
  if (body !== undefined && json === undefined && operation.unlisted === undefined) return refused(NOT_JSON)
  const promptBytes = body === undefined ? (form?.textBytes ?? 0) : body.length
  const inspection = inspectionOf(form, adapter.inspect(operation, json, promptBytes))
  const refusal = refusalOf(call, inspection, { bytes: body, json: body && json, form })
  if (refusal !== undefined) return refusal
  const { defaultMaxOutputTokens, tokenReservation } = settings
  const policy = { defaultMaxOutputTokens, tokenReservation, smallestTokenLimit: connection.smallestTokenLimit }
  const estimate = estimateCost(inspection, policy, connection.learned.of(inspection.model))
  return {
    status: 'prepared',
    call: { ...call, inspection, estimate },
    body: body && adapter.outgoingBody(inspection, json, body),
  }
}

/** Costs no tokens; the body is looked into only where it may make a model run, and not every model may be. */
function prepareUncounted(call: Call, body: Buffer | undefined, form: ReadForm | undefined): Preparation {
  const { connection, operation } = call
  const isChecked = operation.runsModel !== undefined && connection.settings.allowedModels !== undefined
  if (isChecked && isEncoded(call)) return refused(ENCODED)
  const json = isChecked ? body && parseJsonObject(body) : undefined
  const inspection = inspectionOf(form, connection.adapter.inspect(operation, json, 0))
  const refusal = isChecked ? refusalOf(call, inspection, { bytes: body, json, form }) : undefined
  return refusal ?? { status: 'prepared', call: { ...call, inspection, estimate: NO_TOKENS }, body }
}

function inspectionOf(form: ReadForm | undefined, inspection: RequestInspection): RequestInspection {
  return form?.model === undefined ? inspection : { ...inspection, model: form.model }
}

/** Whether the body is compressed, so that neither its models nor its length can be told, where one of them matters. */
function isEncoded({ headers, connection, operation }: Call): boolean {
  const encoding = headers['content-encoding']
  if (encoding === undefined || encoding === 'identity') return false
  const { settings, smallestTokenLimit } = connection
  return settings.allowedModels !== undefined || (operation.unlisted === true && smallestTokenLimit !== undefined)
}

function refusalOf(call: Call, { model }: RequestInspection, body: JudgedBody): Preparation | undefined {
  if (isTooLong(model)) return refused(LONG_MODEL)
  const error = modelRefusal(call, body)
  return error && refused(error)
}

function refused(error: GatewayError): Preparation {
  return { status: 'refused', error }
}

/**
 * Of a model's name as JSON. Applications choose it, and an exchange with the capacity service, which asks for a thousand permits
 * and settles a thousand, must yet be no longer than a message of NATS may be: 1 MiB.
 */
const MAX_MODEL_BYTES = 256
/** Of one UTF-16 code unit as JSON: `\u0001`. */
const MAX_CHAR_BYTES = 6
const NOT_JSON_TYPE = gatewayError(
  'invalid_request',
  'This operation takes a JSON body, with content-type application/json.',
)
const NOT_JSON = gatewayError('invalid_request', 'The body is not a JSON object.')
const LONG_MODEL = gatewayError('invalid_request', 'The name of the model is too long.')
const ENCODED = gatewayError(
  'invalid_request',
  'A body with a content-encoding cannot be looked into, as this connection asks for: send it as it is.',
)

function isTooLong(model: string): boolean {
  if (model.length * MAX_CHAR_BYTES <= MAX_MODEL_BYTES) return false
  return Buffer.byteLength(JSON.stringify(model)) > MAX_MODEL_BYTES
}
