import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  type InlineImage,
  type JsonStructure,
  mayHoldJson,
  openAiErrorResponse,
  type Refusal,
  withoutAddition,
} from '@sluice/providers'
import { distinguishesModels } from '../admission/allowed-models.ts'
import type { ApiKey } from '../admission/api-key.ts'
import { catchUp, mayBeOutdated } from '../admission/authenticate.ts'
import type { Connection, UsableConnection } from '../admission/connection.ts'
import { accessibleNames, checkAccess } from '../admission/connection-access.ts'
import type { BodyReader, ReadingTask } from '../estimate/body-reader.ts'
import type { BodyToTranslate } from '../estimate/body-readings.ts'
import { type GatewayError, gatewayError } from '../http/gateway-error.ts'
import type { HeldBytes } from '../http/held-bytes.ts'
import { NO_ROOM } from '../http/receive-body.ts'
import { decodedHeaders } from '../http/receive-decoded-body.ts'
import type { ApiKeys, Connections } from '../ports.ts'
import type { Call, InspectedCall, PermittedCall } from '../relay/call.ts'
import { bodyFaultError, inspectedCall } from '../relay/inspect-call.ts'
import { type CallBody, type CompletedCall, disconnectSignal } from '../relay/send-call.ts'
import { ABORTED, type Ended, ok, type Result, refused } from '../result.ts'
import type { ImageFault, Images } from './images.ts'

/** A model as the unified endpoint names it: `CONNECTION/MODEL`. */
interface UnifiedModel {
  readonly connection: string
  /** The provider's own name, which may have slashes too. */
  readonly model: string
}

/** Undefined where the name has not both parts, or is longer than any. */
function parseUnifiedModel(name: unknown): UnifiedModel | undefined {
  if (typeof name !== 'string' || name.length > MAX_LENGTH) return undefined
  const slash = name.indexOf('/')
  if (slash <= 0 || slash === name.length - 1) return undefined
  return { connection: name.slice(0, slash), model: name.slice(slash + 1) }
}

export function unifiedModelName(connection: string, model: string): string {
  return `${connection}/${model}`
}

/** A connection's name, and what an exchange with the capacity service takes as a model. */
const MAX_LENGTH = 64 + 512

/** A request of the unified endpoint whose sender is known. */
export interface UnifiedCall {
  readonly requestId: string
  /** Unix milliseconds. */
  readonly startedAtMs: number
  readonly apiKey: ApiKey
  readonly operation: 'chat' | 'embeddings'
}

/** A request's whole JSON body. */
export interface UnifiedBody {
  readonly body: Buffer
  readonly structure: JsonStructure
  readonly held: HeldBytes
}

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

/** Where the connection was found and cannot be used, it is there too, as it decides the headers of the error. */
export type NamedModelResult =
  | { readonly status: 'ok'; readonly value: NamedModel }
  | (Ended & { readonly connection?: Connection | undefined })

/** Reads which connection and model a unified request names. The given body must not be used any more. */
export async function namedModel(
  deps: ModelDeps,
  { apiKey }: UnifiedCall,
  request: IncomingMessage,
  { body: given, structure }: UnifiedBody,
  response: ServerResponse,
): Promise<NamedModelResult> {
  const task = readingTask(apiKey, structure.parseNs, response)
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

export interface TranslateDeps {
  readonly bodyReader: BodyReader
  readonly images: Images
}

/** A call in its provider's format, with the body to send. */
export interface TranslatedCall {
  readonly call: InspectedCall
  readonly body: CallBody
}

/**
 * Translates a unified request into its provider's format. Large bodies are read in another thread, and nothing that was read of them is
 * kept. Images that the provider does not fetch are fetched once the call has its permit.
 * @param mayWait the request may wait for its permit
 */
export async function translateCall(
  { bodyReader, images }: TranslateDeps,
  { requestId, startedAtMs, apiKey, operation: kind }: UnifiedCall,
  request: IncomingMessage,
  { connection, model, body }: NamedModel,
  { structure, held }: UnifiedBody,
  mayWait: boolean,
  response: ServerResponse,
): Promise<Result<TranslatedCall>> {
  const sizeBytes = body.length
  const { settings, adapter } = connection
  const toTranslate: Omit<BodyToTranslate, 'body' | 'images'> = {
    provider: settings.provider,
    kind,
    judged: mayWait || distinguishesModels(connection),
    withoutUsage: settings.requestStreamUsage === false,
    model,
    defaultMaxOutputTokens: settings.defaultMaxOutputTokens,
    responseId: requestId,
    receivedAtMs: startedAtMs,
  }
  const byteNs = TEXT_BYTE_NS + (adapter.unified[kind].opensStrings === true && mayHoldJson(body) ? NESTED_BYTE_NS : 0)
  const task = readingTask(apiKey, structure.parseNs * TRANSLATION_FACTOR + body.length * byteNs, response)
  const translate = (given: Buffer, inline: ReadonlyMap<string, InlineImage>) =>
    bodyReader.read('translate', { ...toTranslate, images: inline, body: given }, task)

  const translated = await translate(body, NO_IMAGES)
  if (translated.status === 'refused') return refused(refusalError(translated))
  const call: Call = {
    requestId,
    startedAtMs,
    apiKey,
    connection,
    method: 'POST',
    operation: translated.operation,
    query: translated.query,
    headers: translated.headers ?? decodedHeaders(request.headers),
    translation: adapter.unified[kind].response(translated.requested),
    formatError: openAiErrorResponse,
  }
  const inspected = inspectedCall(call, translated, translated.body)
  if (inspected.status !== 'ok') return inspected
  const added = held.hold(Math.max(0, translated.body.length - sizeBytes))
  if (added !== 'held') return refused(NO_ROOM[added])
  const { body: sentBody, addition } = translated
  const outgoing = (): Buffer => sentBody
  if (translated.status === 'translated') {
    const plain = addition && (() => withoutAddition(sentBody, addition))
    return ok({ call: inspected.value.call, body: { held, outgoing, plain } })
  }

  const { urls } = translated
  const complete = async (permitted: PermittedCall): Promise<Result<CompletedCall>> => {
    const signal = disconnectSignal(response)
    const hold = (bytes: number): boolean => held.hold(bytes * IMAGE_COPIES) === 'held'
    const fetched = await images.fetch(urls, { owner: apiKey.id, gone: signal, hold })
    if (signal.aborted) return ABORTED
    if ('fault' in fetched) return refused(imageError(fetched))
    const completed = await translate(sentBody, fetched)
    if (completed.status === 'refused') return refused(refusalError(completed))
    if (completed.status === 'images-needed') throw new Error('an image that was fetched is asked for again')
    const { inspection, naming, body: whole } = completed
    return ok({ call: { ...permitted, inspection, naming }, body: whole })
  }
  return ok({ call: inspected.value.call, body: { held, outgoing, complete } })
}

function readingTask({ id }: ApiKey, estimatedNs: number, response: ServerResponse): ReadingTask {
  return { owner: id, estimatedNs, isDisconnected: () => response.destroyed }
}

function imageError({ fault, message }: ImageFault): GatewayError {
  return fault === 'busy'
    ? gatewayError('unavailable', message)
    : gatewayError('invalid_request', message, { param: 'messages' })
}

function refusalError({ code, message, param }: Refusal): GatewayError {
  return gatewayError(code, message, param === undefined ? {} : { param })
}

const NO_IMAGES: ReadonlyMap<string, InlineImage> = new Map()
/** An image is held as it came, in base64, and in the body, for a moment twice. */
const IMAGE_COPIES = 4
/** How much longer a chat completion takes to be checked, translated and read again than to be parsed. */
const TRANSLATION_FACTOR = 4
/** Of text, which parsing hardly looks at: a translation reads it several times, and writes it. */
const TEXT_BYTE_NS = 8
/** Of JSON in a string, as a tool call's arguments are, that is made to be slow. */
const NESTED_BYTE_NS = 60

/** Says what is wrong with a name of a model that names no connection. @param model undefined: there is none; null: it is no text */
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
