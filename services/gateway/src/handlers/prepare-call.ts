import { estimateCost, NO_TOKENS } from '../domain/estimate-cost.ts'
import { type GatewayError, gatewayError } from '../domain/gateway-error.ts'
import { parseJsonObject } from '../domain/parse-json-object.ts'
import type { Call, PreparedCall } from './call.ts'

export type Preparation =
  | { readonly status: 'prepared'; readonly call: PreparedCall; readonly body: Buffer | undefined }
  | { readonly status: 'refused'; readonly error: GatewayError }

/**
 * Looks into a request's body for the model and the cost.
 * @param body the whole body if it is JSON; undefined where it is streamed, or there is none
 */
export function prepareCall(call: Call, body: Buffer | undefined): Preparation {
  const { connection, operation } = call
  const { adapter, settings } = connection
  if (!operation.usesModel) {
    const inspection = adapter.inspect(operation, undefined, 0)
    return { status: 'prepared', call: { ...call, inspection, estimate: NO_TOKENS }, body }
  }
  if (body === undefined && operation.body === 'json') return refused('invalid_request', NOT_JSON_TYPE)
  const json = body && parseJsonObject(body)
  if (body !== undefined && json === undefined) return refused('invalid_request', NOT_JSON)
  const inspection = adapter.inspect(operation, json, body?.length ?? 0)
  if (isTooLong(inspection.model)) return refused('invalid_request', 'The name of the model is too long.')
  if (!connection.allowsModel(inspection.model)) {
    return refused('model_not_allowed', modelRefusal(inspection.model, settings.name))
  }
  const { defaultMaxOutputTokens, tokenReservation } = settings
  const policy = { defaultMaxOutputTokens, tokenReservation, smallestTokenLimit: connection.smallestTokenLimit }
  const estimate = estimateCost(inspection, policy, connection.learned.of(inspection.model))
  return {
    status: 'prepared',
    call: { ...call, inspection, estimate },
    body: body && adapter.outgoingBody(inspection, json, body),
  }
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

function modelRefusal(model: string, connection: string): string {
  return model === ''
    ? `Connection "${connection}" is restricted to certain models, and this request's model cannot be told.`
    : `Connection "${connection}" does not allow the model "${model}".`
}
