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
import type { Connection } from '../admission/connection.ts'
import { recordRefusal } from '../admission/refuse.ts'
import { usableConnection, usableNames } from '../admission/usable-connection.ts'
import type { DataPlane } from '../data-plane.ts'
import type { ReadingTask } from '../estimate/body-reader.ts'
import type { BodyToTranslate } from '../estimate/body-readings.ts'
import { type GatewayError, gatewayError } from '../http/gateway-error.ts'
import type { HeldBytes } from '../http/held-bytes.ts'
import { NO_ROOM } from '../http/receive-body.ts'
import { decodedHeaders } from '../http/receive-decoded-body.ts'
import type { Call, PermittedCall, PreparedCall } from '../relay/call.ts'
import { bodyFaultError, preparedCall } from '../relay/prepare-call.ts'
import { type CallBody, type Completion, goneSignal, waitOf } from '../relay/send-call.ts'
import type { ImageFault } from './images.ts'

/** A model as the unified endpoint names it: `CONNECTION/MODEL`. */
export interface UnifiedModel {
  readonly connection: string
  /** The provider's own name, which may have slashes too. */
  readonly model: string
}

/** Undefined where the name has not both parts, or is longer than any. */
export function parseUnifiedModel(name: unknown): UnifiedModel | undefined {
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

export type CallTranslation =
  | {
      readonly status: 'translated'
      readonly call: PreparedCall
      readonly body: CallBody
      /** How long the call may wait for its permit. */
      readonly waitMs: number
    }
  /** `connection` is there where it was found. */
  | { readonly status: 'refused'; readonly error: GatewayError; readonly connection?: Connection | undefined }

/**
 * Finds the connection that a unified request's model names, and says the request in its provider's words; that it cannot be is
 * recorded. Large bodies are read in another thread, and nothing that was read of them is kept.
 * @param body the body, which must not be used any more, what it is made of, and the account of it
 */
export async function translateCall(
  plane: DataPlane,
  { requestId, startedAtMs, apiKey, operation: kind }: UnifiedCall,
  request: IncomingMessage,
  { body: bytes, structure, held }: UnifiedBody,
  response: ServerResponse,
): Promise<CallTranslation> {
  const { documents } = plane
  const sizeBytes = bytes.length
  const task: ReadingTask = {
    owner: apiKey.id,
    estimatedNs: structure.parseNs,
    isGone: () => response.destroyed,
  }
  const { body, ...named } = await documents.read('unifiedModel', { body: bytes }, task)
  if (named.isNoObject) return { status: 'refused', error: await bodyFaultError(plane, body, task) }
  const name = parseUnifiedModel(named.model)
  if (name === undefined) return { status: 'refused', error: noConnection(named.model, apiKey, plane) }
  let found = plane.connections.byName(name.connection)
  let connection = usableConnection(found, name.connection, apiKey)
  if ('code' in connection && mayBeOutdated(connection, request, '')) {
    const busy = await catchUp(plane)
    if (busy !== undefined) return { status: 'refused', error: busy, connection: found }
    found = plane.connections.byName(name.connection)
    const current = plane.apiKeys.byHash(apiKey.hash) ?? apiKey
    connection = usableConnection(found, name.connection, current, plane.connections)
  }
  if ('code' in connection) return { status: 'refused', error: connection, connection: found }

  const refuse = (error: GatewayError): CallTranslation => {
    recordRefusal(plane, { requestId, startedAtMs, apiKey, connection }, error)
    return { status: 'refused', error, connection }
  }
  const waitMs = waitOf(connection, request)
  if (typeof waitMs !== 'number') return refuse(waitMs)
  const toTranslate: Omit<BodyToTranslate, 'body' | 'images'> = {
    provider: connection.settings.provider,
    kind,
    judged: waitMs > 0 || distinguishesModels(connection),
    withoutUsage: connection.settings.requestStreamUsage === false,
    model: name.model,
    defaultMaxOutputTokens: connection.settings.defaultMaxOutputTokens,
    responseId: requestId,
    receivedAtMs: startedAtMs,
  }
  const { opensStrings } = connection.adapter.unified[kind]
  const byteNs = TEXT_BYTE_NS + (opensStrings === true && mayHoldJson(body) ? NESTED_BYTE_NS : 0)
  const translating = { ...task, estimatedNs: structure.parseNs * TRANSLATION_FACTOR + body.length * byteNs }
  const translate = (given: Buffer, images: ReadonlyMap<string, InlineImage>) =>
    documents.read('translate', { ...toTranslate, images, body: given }, translating)

  const translated = await translate(body, NO_IMAGES)
  if (translated.status === 'refused') return refuse(refusalError(translated))
  const call: Call = {
    requestId,
    startedAtMs,
    apiKey,
    connection,
    method: 'POST',
    operation: translated.operation,
    query: translated.query,
    headers: translated.headers ?? decodedHeaders(request.headers),
    translation: connection.adapter.unified[kind].answer(translated.answer),
    formatError: openAiErrorResponse,
  }
  const preparation = preparedCall(call, translated, translated.body)
  if (preparation.status === 'refused') return refuse(preparation.error)
  const added = held.hold(Math.max(0, translated.body.length - sizeBytes))
  if (added !== 'held') return refuse(NO_ROOM[added])
  const { body: sentBody, addition } = translated
  const plain = addition && (() => withoutAddition(sentBody, addition))
  const sent: CallBody = { held, outgoing: () => sentBody, plain }
  const ready = { status: 'translated', call: preparation.call, waitMs } as const
  if (translated.status === 'translated') return { ...ready, body: sent }

  const { urls } = translated
  const complete = async (permitted: PermittedCall): Promise<Completion> => {
    const signal = goneSignal(response)
    const hold = (bytes: number): boolean => held.hold(bytes * IMAGE_COPIES) === 'held'
    const images = await plane.images.fetch(urls, { owner: apiKey.id, gone: signal, hold })
    if (signal.aborted) return { status: 'left' }
    if ('fault' in images) return { status: 'refused', error: imageError(images) }
    const complete = await translate(translated.body, images)
    if (complete.status === 'refused') return { status: 'refused', error: refusalError(complete) }
    if (complete.status === 'images-needed') throw new Error('an image that was fetched is asked for again')
    return {
      status: 'completed',
      call: { ...permitted, inspection: complete.inspection, naming: complete.naming },
      body: complete.body,
    }
  }
  return { ...ready, body: { held, outgoing: sent.outgoing, complete } }
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
function noConnection(model: string | null | undefined, apiKey: ApiKey, { connections }: DataPlane): GatewayError {
  const names = usableNames(apiKey, connections, MAX_SHOWN_NAMES).sort()
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
