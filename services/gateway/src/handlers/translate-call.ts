import type { IncomingMessage } from 'node:http'
import {
  type NativeCall,
  openAiErrorAnswer,
  type Refusal,
  type UnifiedApi,
  type UnifiedRequest,
} from '@sluice/providers'
import type { ApiKey } from '../domain/api-key.ts'
import type { Connection } from '../domain/connection.ts'
import { type GatewayError, gatewayError } from '../domain/gateway-error.ts'
import { parseJsonObject } from '../domain/parse-json-object.ts'
import { parseUnifiedModel } from '../domain/unified-model.ts'
import type { DataPlane } from '../ports/data-plane.ts'
import type { ImageRequest } from '../ports/images.ts'
import type { Call } from './call.ts'
import { recordRefusal } from './refuse-call.ts'
import { usableConnection } from './usable-connection.ts'

/** A request of the unified endpoint whose sender is known. */
export interface UnifiedCall {
  readonly requestId: string
  /** Unix milliseconds. */
  readonly startedAtMs: number
  readonly apiKey: ApiKey
  readonly operation: 'chat' | 'embeddings'
}

export type CallTranslation =
  | { readonly status: 'translated'; readonly call: Call; readonly body: Buffer }
  /** `connection` is there where it was found. */
  | { readonly status: 'refused'; readonly error: GatewayError; readonly connection?: Connection | undefined }

/**
 * Finds the connection that a unified request's model names, and says the request in its provider's words; that it cannot be is
 * recorded.
 * @param bytes the body, if it is JSON
 * @param gone gives the signal that is aborted when the application goes away
 */
export async function translateCall(
  plane: DataPlane,
  { requestId, startedAtMs, apiKey, operation: kind }: UnifiedCall,
  request: IncomingMessage,
  bytes: unknown,
  gone: () => AbortSignal,
): Promise<CallTranslation> {
  if (!(bytes instanceof Buffer)) return { status: 'refused', error: NOT_JSON_TYPE }
  const body = parseJsonObject(bytes)
  if (body === undefined) return { status: 'refused', error: NOT_JSON }
  const name = parseUnifiedModel(body.model)
  if (name === undefined) return { status: 'refused', error: NO_CONNECTION }
  const found = plane.connections.byName(name.connection)
  const connection = usableConnection(found, name.connection, apiKey)
  if ('code' in connection) return { status: 'refused', error: connection, connection: found }

  const { settings, adapter } = connection
  const refuse = (error: GatewayError): CallTranslation => {
    recordRefusal(plane, { requestId, startedAtMs, apiKeyId: apiKey.id, connection }, error)
    return { status: 'refused', error, connection }
  }
  const fetching = () => ({ owner: apiKey.id, gone: gone(), hold: () => true })
  const translated = await withImages(plane, adapter.unified[kind], fetching, {
    body,
    bytes,
    model: name.model,
    config: settings.config,
    defaultMaxOutputTokens: settings.defaultMaxOutputTokens,
    images: new Map(),
    answerId: requestId,
    receivedAtMs: startedAtMs,
  })
  if (translated.status === 'busy') return refuse(gatewayError('unavailable', translated.message))
  if (translated.status === 'refused') return refuse(refusalError(translated))
  const operation = adapter.operation('POST', translated.path)
  if (operation === undefined) return refuse(NO_SUCH_MODEL)
  const call: Call = {
    requestId,
    startedAtMs,
    apiKeyId: apiKey.id,
    connection,
    method: 'POST',
    operation,
    query: translated.query,
    headers: translated.headers ?? request.headers,
    translation: translated.answer,
    formatError: openAiErrorAnswer,
  }
  return { status: 'translated', call, body: translated.body }
}

/** Translates, and fetches the images that the provider takes only with the request. */
async function withImages(
  { images }: DataPlane,
  translate: UnifiedApi['chat'],
  fetching: () => ImageRequest,
  request: UnifiedRequest,
): Promise<NativeCall | Refusal | { readonly status: 'busy'; readonly message: string }> {
  const translation = translate(request)
  if (translation.status !== 'images-needed') return translation
  const fetched = await images.fetch(translation.urls, fetching())
  if ('fault' in fetched) {
    return fetched.fault === 'busy' ? { status: 'busy', message: fetched.message } : badImage(fetched.message)
  }
  const complete = translate({ ...request, images: fetched })
  if (complete.status === 'images-needed') throw new Error('an image that was fetched is asked for again')
  return complete
}

function badImage(message: string): Refusal {
  return { status: 'refused', code: 'invalid_request', message, param: 'messages' }
}

function refusalError({ code, message, param }: Refusal): GatewayError {
  return gatewayError(code, message, param === undefined ? {} : { param })
}

const NOT_JSON_TYPE = gatewayError(
  'invalid_request',
  'This operation takes a JSON body, with content-type application/json.',
)
const NOT_JSON = gatewayError('invalid_request', 'The body is not a JSON object.')
const NO_CONNECTION = gatewayError(
  'invalid_request',
  'The model must name the connection too, as "CONNECTION/MODEL", for example "openai-prod/gpt-4o".',
  { param: 'model' },
)
const NO_SUCH_MODEL = gatewayError('invalid_request', 'The provider can have no model of this name.', {
  param: 'model',
})
