import type { BodyAddition, JsonStructure } from '@sluice/providers'
import { isJudged, isRestricted, modelRefusal } from '../admission/allowed-models.ts'
import type { BodyReader, ReadingTask } from '../estimate/body-reader.ts'
import type { InspectedBody } from '../estimate/body-readings.ts'
import { isForm } from '../estimate/form-body.ts'
import { notJsonType } from '../estimate/json-body.ts'
import { type GatewayError, gatewayError } from '../http/gateway-error.ts'
import { ok, type Result, refused } from '../result.ts'
import type { Call, InspectedCall } from './call.ts'

/** A call whose body was inspected, with the body to send. */
export interface Inspected {
  readonly call: InspectedCall
  /** Undefined if no body was inspected. */
  readonly body: Buffer | undefined
  /** The gateway's addition to `body`. */
  readonly addition?: BodyAddition | undefined
}

export interface InspectDeps {
  readonly bodyReader: BodyReader
}

/** A whole body to inspect. {@link inspectCall} takes it over, and returns it. */
export type WholeBody =
  /** JSON by its type. */
  | { readonly kind: 'json'; readonly body: Buffer; readonly structure: JsonStructure }
  | { readonly kind: 'other'; readonly body: Buffer; readonly type: string }

/** Returns whether a call's JSON body is inspected: for its model and cost, or because it may run a model that is not allowed. */
export function isJsonRead({ connection, operation }: Call): boolean {
  return operation.usesModel || (operation.runsModel !== undefined && isRestricted(connection))
}

/**
 * Returns whether a body of another type than JSON is inspected: a form that may name a model, if only certain models are allowed; any body
 * that may be the prompt of an unknown operation, if tokens are limited.
 */
export function isOtherRead({ connection, operation }: Call, contentType: string): boolean {
  if (!isRestricted(connection)) return operation.unlisted === true && connection.limitsTokens
  return (operation.usesModel || operation.runsModel === 'named') && isForm(contentType)
}

export interface InspectOptions {
  /** The request may wait for its permit; the allowed models may have changed by then. */
  readonly mayWait: boolean
  /** Returns whether the client has disconnected. */
  readonly isDisconnected: () => boolean
}

/**
 * Inspects a request's body for its models and size, and checks that the connection allows these models. Large bodies are read in another
 * thread.
 * @param whole undefined if the body is only sent on, or there is none
 */
export async function inspectCall(
  deps: InspectDeps,
  call: Call,
  whole: WholeBody | undefined,
  options: InspectOptions,
): Promise<Result<Inspected>> {
  const { operation } = call
  if (isJsonRead(call) && isEncoded(call)) return refused(ENCODED)
  if (operation.usesModel && operation.body === 'json' && whole?.kind !== 'json')
    return refused(notJsonType(call.method, call.headers['content-type']))
  if (whole === undefined) return inspectedCall(call, inspectionWithoutBody(call))
  const inspected = await inspectedBody(deps, call, whole, options)
  return inspected.status === 'ok' ? inspectedCall(call, inspected.value, inspected.value.body) : inspected
}

/** Returns the inspection of a call without its body. */
export function inspectionWithoutBody(call: Call): Omit<InspectedBody, 'body'> {
  const { adapter } = call.connection
  const naming = isJudged(call) ? { naming: { models: adapter.namedModels(call.operation, undefined) } } : {}
  return {
    inspection: adapter.inspect(call.operation, undefined, 0),
    ...naming,
    pool: adapter.pool(call.operation, undefined, call.headers),
  }
}

async function inspectedBody(
  deps: InspectDeps,
  call: Call,
  whole: WholeBody,
  { mayWait, isDisconnected }: InspectOptions,
): Promise<Result<InspectedBody>> {
  const { bodyReader } = deps
  const { connection, operation, apiKey, headers } = call
  const { provider } = connection.settings
  const { body } = whole
  if (whole.kind === 'other') {
    const task = { owner: apiKey.id, estimatedNs: body.length * OTHER_BYTE_NS, isDisconnected }
    return ok(await bodyReader.read('inspectOther', { provider, operation, headers, type: whole.type, body }, task))
  }
  const task = { owner: apiKey.id, estimatedNs: whole.structure.parseNs, isDisconnected }
  const given = {
    provider,
    operation,
    headers,
    judged: mayWait || isJudged(call),
    withoutUsage: connection.settings.requestStreamUsage === false,
    body,
  }
  const inspected = await bodyReader.read('inspect', given, task)
  return inspected.isNoObject ? refused(await bodyFaultError(deps, inspected.body, task)) : ok(inspected)
}

/** Returns the error that says why a body is not a JSON object. The body must not be used any more. */
export async function bodyFaultError(
  { bodyReader }: InspectDeps,
  body: Buffer,
  task: Omit<ReadingTask, 'estimatedNs'>,
): Promise<GatewayError> {
  const fault = await bodyReader.read('bodyFault', { body }, { ...task, estimatedNs: body.length * FAULT_BYTE_NS })
  return gatewayError('invalid_request', fault)
}

/** Checks that a call whose body has been read may use its models. */
export function inspectedCall(
  call: Call,
  { inspection, naming, pool, addition }: Omit<InspectedBody, 'body'>,
  body?: Buffer,
): Result<Inspected> {
  if (isTooLong(inspection.model)) return refused(LONG_MODEL)
  const error = modelRefusal(call, naming)
  if (error !== undefined) return refused(error)
  return ok({ call: { ...call, inspection, naming, pool }, body, addition })
}

/** Returns whether the body is compressed, which hides its models and length, where one of them matters. */
function isEncoded({ headers, connection, operation }: Call): boolean {
  const encoding = headers['content-encoding']
  if (encoding === undefined || encoding === 'identity') return false
  return isRestricted(connection) || (operation.unlisted === true && connection.limitsTokens)
}

/** Estimated time per byte of a form, whose fields are looked at one by one. */
const OTHER_BYTE_NS = 5
/** Time per byte of the slowest JSON in which a fault is looked for. */
const FAULT_BYTE_NS = 60
/**
 * The most bytes of a model's name as JSON. Applications choose it, and a permit batch, with a thousand acquires and a thousand
 * settlements, must fit into a NATS message: 1 MiB.
 */
const MAX_MODEL_BYTES = 256
/** The most bytes of one UTF-16 code unit as JSON: `\u0001`. */
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
