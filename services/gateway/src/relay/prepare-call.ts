import { type BodyAddition, type JsonStructure, promptPool, type RequestInspection } from '@sluice/providers'
import { isJudged, isRestricted, modelRefusal } from '../admission/allowed-models.ts'
import type { UsableConnection } from '../admission/connection.ts'
import type { DataPlane } from '../data-plane.ts'
import type { ReadingTask } from '../estimate/body-reader.ts'
import type { InspectedBody } from '../estimate/body-readings.ts'
import { type CostEstimate, estimateCost, NO_TOKENS } from '../estimate/estimate-cost.ts'
import { isForm } from '../estimate/form-body.ts'
import { notJsonType } from '../estimate/json-body.ts'
import { type GatewayError, gatewayError } from '../http/gateway-error.ts'
import type { Call, PreparedCall } from './call.ts'

export type Preparation =
  | {
      readonly status: 'prepared'
      readonly call: PreparedCall
      readonly body: Buffer | undefined
      /** What in `body` is the gateway's own. */
      readonly addition?: BodyAddition | undefined
    }
  | { readonly status: 'refused'; readonly error: GatewayError }

/** A whole body that is looked into. It belongs to who prepares the call, who gives it back. */
export type WholeBody =
  /** JSON by its type. */
  | { readonly kind: 'json'; readonly body: Buffer; readonly structure: JsonStructure }
  | { readonly kind: 'other'; readonly body: Buffer; readonly type: string }

/** Whether a call's JSON body is looked into: for its model and cost, or where it may make a model run that is not allowed. */
export function isJsonRead({ connection, operation }: Call): boolean {
  return operation.usesModel || (operation.runsModel !== undefined && isRestricted(connection))
}

/**
 * Whether a body that is no JSON by its type is looked into: a form, where only certain models are allowed and it may name one; anything,
 * where tokens are limited and it may be the prompt of an operation that is not known.
 */
export function isOtherRead({ connection, operation }: Call, contentType: string): boolean {
  if (!isRestricted(connection)) return operation.unlisted === true && connection.limitsTokens
  return (operation.usesModel || operation.runsModel === 'named') && isForm(contentType)
}

/** What of a request decides how its body is looked into. */
export interface PrepareOptions {
  /** It may wait for its permit: which models are allowed may be another question by then. */
  readonly mayWait: boolean
  readonly isGone: () => boolean
}

/**
 * Looks into a request's body for the model and the cost. A large body is read in another thread, and nothing that was read of it is kept.
 * @param whole undefined where the body is only sent on, or there is none
 */
export async function prepareCall(
  plane: DataPlane,
  call: Call,
  whole: WholeBody | undefined,
  options: PrepareOptions,
): Promise<Preparation> {
  const { connection, operation } = call
  if (isJsonRead(call) && isEncoded(call)) return refused(ENCODED)
  if (operation.usesModel && operation.body === 'json' && whole?.kind !== 'json')
    return refused(notJsonType(call.method, call.headers['content-type']))
  if (whole === undefined) {
    const { adapter } = connection
    const inspection = adapter.inspect(operation, undefined, 0)
    const naming = isJudged(call) ? { naming: { models: adapter.namedModels(operation, undefined) } } : {}
    return preparedCall(call, { inspection, ...naming, pool: adapter.pool(operation, undefined, call.headers) })
  }
  const inspected = await inspectedBody(plane, call, whole, options)
  if ('code' in inspected) return refused(inspected)
  return preparedCall(call, inspected, inspected.body)
}

async function inspectedBody(
  plane: DataPlane,
  call: Call,
  whole: WholeBody,
  { mayWait, isGone }: PrepareOptions,
): Promise<InspectedBody | GatewayError> {
  const { documents } = plane
  const { connection, operation, apiKey, headers } = call
  const { provider } = connection.settings
  const { body } = whole
  if (whole.kind === 'other') {
    const task = { owner: apiKey.id, estimatedNs: body.length * OTHER_BYTE_NS, isGone }
    return documents.read('inspectOther', { provider, operation, headers, type: whole.type, body }, task)
  }
  const task = { owner: apiKey.id, estimatedNs: whole.structure.parseNs, isGone }
  const judged = mayWait || isJudged(call)
  const given = {
    provider,
    operation,
    headers,
    judged,
    withoutUsage: connection.settings.requestStreamUsage === false,
    body,
  }
  const inspected = await documents.read('inspect', given, task)
  return inspected.isNoObject ? bodyFaultError(plane, inspected.body, task) : inspected
}

/** Returns what keeps a body from being a JSON object. The body must not be used any more. */
export async function bodyFaultError(
  { documents }: DataPlane,
  body: Buffer,
  task: Omit<ReadingTask, 'estimatedNs'>,
): Promise<GatewayError> {
  const fault = await documents.read('bodyFault', { body }, { ...task, estimatedNs: body.length * FAULT_BYTE_NS })
  return gatewayError('invalid_request', fault)
}

/** Decides whether a call whose body has been read may use its models, and what it is expected to cost. */
export function preparedCall(
  call: Call,
  { inspection, naming, pool, addition }: Omit<InspectedBody, 'body'>,
  body?: Buffer,
): Preparation {
  const { connection, operation } = call
  if (isTooLong(inspection.model)) return refused(LONG_MODEL)
  const error = modelRefusal(call, naming)
  if (error !== undefined) return refused(error)
  const estimate = operation.usesModel ? expectedCost(connection, inspection) : NO_TOKENS
  const prepared = {
    ...call,
    inspection,
    naming,
    pool: promptPool(pool, estimate.promptTokens, connection.adapter),
    estimate,
  }
  return { status: 'prepared', call: prepared, body, addition }
}

function expectedCost(
  { settings, smallestTokenLimit, smallestOutputLimit, learned }: UsableConnection,
  inspection: RequestInspection,
): CostEstimate {
  const { defaultMaxOutputTokens, tokenReservation } = settings
  const policy = { defaultMaxOutputTokens, tokenReservation, smallestTokenLimit, smallestOutputLimit }
  return estimateCost(inspection, policy, learned.of(inspection.model))
}

/** Whether the body is compressed, so that neither its models nor its length can be told, where one of them matters. */
function isEncoded({ headers, connection, operation }: Call): boolean {
  const encoding = headers['content-encoding']
  if (encoding === undefined || encoding === 'identity') return false
  return isRestricted(connection) || (operation.unlisted === true && connection.limitsTokens)
}

function refused(error: GatewayError): Preparation {
  return { status: 'refused', error }
}

/** Of a form, whose fields are looked at one by one. */
const OTHER_BYTE_NS = 5
/** Of JSON in which a fault is looked for, where it is made to be slow. */
const FAULT_BYTE_NS = 60
/**
 * Of a model's name as JSON. Applications choose it, and an exchange with the capacity service, which asks for a thousand permits
 * and settles a thousand, must yet be no longer than a message of NATS may be: 1 MiB.
 */
const MAX_MODEL_BYTES = 256
/** Of one UTF-16 code unit as JSON: `\u0001`. */
const MAX_CHAR_BYTES = 6
const LONG_MODEL = gatewayError('invalid_request', `The name of the model is longer than ${MAX_MODEL_BYTES} bytes.`)
const ENCODED = gatewayError(
  'invalid_request',
  'This connection reads every body, for its models or tokens, and cannot read one with a content-encoding: send it uncompressed.',
)

function isTooLong(model: string): boolean {
  if (model.length * MAX_CHAR_BYTES <= MAX_MODEL_BYTES) return false
  return Buffer.byteLength(JSON.stringify(model)) > MAX_MODEL_BYTES
}
