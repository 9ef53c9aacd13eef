import type { ProviderId } from '@sluice/contracts'
import {
  type ImagesNeeded,
  type NativeCall,
  type Operation,
  type ProviderAdapter,
  providerAdapter,
  type Refusal,
  type RequestInspection,
  type UnifiedRequest,
} from '@sluice/providers'
import { parseJsonObject } from './parse-json-object.ts'

/**
 * What is read from a request's body before it is sent. Each takes and gives plain data, bodies among it, and depends on nothing else, so
 * that one that takes long can be run in another thread. A body that was given belongs to the reading until it is given back.
 */
export const READINGS = { inspect, unifiedModel, translate, formModel } as const

export type Readings = typeof READINGS
export type ReadingName = keyof Readings

/** A body to send, and what is to be known of it. */
export interface InspectedBody {
  readonly inspection: RequestInspection
  readonly body: Buffer
}

export interface BodyToInspect {
  readonly provider: ProviderId
  readonly operation: Operation
  /** What the body counts for, where it is not its length; 0 for operations that cost nothing. */
  readonly countedBytes?: number
  readonly body: Buffer
}

/** Reads a body in the provider's own format. Undefined where it is no JSON object. */
function inspect({ provider, operation, countedBytes, body }: BodyToInspect): InspectedBody | undefined {
  const json = parseJsonObject(body)
  if (json === undefined) return undefined
  const adapter = adapterOf(provider)
  const inspection = adapter.inspect(operation, json, countedBytes ?? body.length)
  return { inspection, body: adapter.outgoingBody(inspection, json, body) }
}

/** Reads what a unified request names as its model. `json: false`: the body is no JSON object. */
function unifiedModel({ body }: { readonly body: Buffer }): {
  readonly json: boolean
  readonly model?: unknown
  readonly body: Buffer
} {
  const json = parseJsonObject(body)
  // What is no text is no name, and may be large.
  return { json: json !== undefined, ...(typeof json?.model === 'string' ? { model: json.model } : {}), body }
}

export interface BodyToTranslate extends Omit<UnifiedRequest, 'body' | 'bytes'> {
  readonly provider: ProviderId
  readonly kind: 'chat' | 'embeddings'
  readonly body: Buffer
}

/** A request in its provider's words. */
export interface TranslatedBody extends InspectedBody, Pick<NativeCall, 'query' | 'headers' | 'answer'> {
  readonly operation: Operation
}

export type TranslationReading =
  | (TranslatedBody & { readonly status: 'translated' })
  /** All is as it will be but for the images at `urls`. `body` is what was given, to be translated with them. */
  | (TranslatedBody & ImagesNeeded)
  | Refusal

/** Says a unified request in its provider's words. */
function translate({ body, ...given }: BodyToTranslate): TranslationReading {
  const json = parseJsonObject(body)
  if (json === undefined) throw new TypeError('a body that was an object is none')
  const request = { ...given, body: json, bytes: body }
  const translation = translateWith(request)
  if (translation.status !== 'images-needed') return translation
  const blank = { mediaType: 'image/png', base64: '' }
  const images = new Map(translation.urls.map((url) => [url, blank]))
  const complete = translateWith({ ...request, images })
  if (complete.status === 'images-needed') throw new Error('an image that is there is asked for')
  return complete.status === 'refused' ? complete : { ...complete, ...translation, body }
}

function translateWith(
  request: UnifiedRequest & Pick<BodyToTranslate, 'provider' | 'kind'>,
): TranslationReading | ImagesNeeded {
  const { provider, kind } = request
  const adapter = adapterOf(provider)
  const translation = adapter.unified[kind].request(request)
  if (translation.status !== 'translated') return translation
  const { status, path, query, headers, answer } = translation
  const operation = adapter.operation('POST', path)
  const inspected = operation && inspect({ provider, operation, body: translation.body })
  if (operation === undefined || inspected === undefined) return NO_SUCH_MODEL
  return { status, operation, query, headers, answer, ...inspected }
}

const NO_SUCH_MODEL: Refusal = {
  status: 'refused',
  code: 'invalid_request',
  message: 'The provider can have no model of this name.',
  param: 'model',
}

/** Reads the model that a form names; empty where it does not name exactly one, or cannot be read. */
async function formModel({ body, type }: { readonly body: Buffer; readonly type: string }): Promise<{
  readonly model: string
  readonly body: Buffer
}> {
  // What cannot be read names no model, and is refused for that.
  const response = new Response(body, { headers: { 'content-type': type } })
  const fields = await response.formData().catch(() => undefined)
  const [model, ...others] = fields?.getAll('model') ?? []
  return { model: typeof model === 'string' && others.length === 0 ? model : '', body }
}

function adapterOf(provider: ProviderId): ProviderAdapter {
  const adapter = providerAdapter(provider)
  if (adapter === undefined) throw new TypeError(`there is no adapter for ${provider}`)
  return adapter
}
