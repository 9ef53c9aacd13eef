import type { ProviderId } from '@sluice/contracts'
import {
  ambiguousMember,
  type BodyAddition,
  type ImagesNeeded,
  JsonStructure,
  type NativeCall,
  type Operation,
  type ProviderAdapter,
  providerAdapter,
  type Refusal,
  type RequestInspection,
  UNLISTED_MEMBERS,
  type UnifiedRequest,
  type WireHeaders,
} from '@sluice/providers'
import { readForm } from './form-body.ts'
import { notAnObject, parseJsonObject } from './json-body.ts'

/**
 * The readings of a request's body before it is sent. Each takes and returns plain data and buffers and depends on nothing else, so that a
 * long one can run in another thread. A reading owns the body in its input until it returns it.
 */
export const READINGS = { inspect, inspectOther, unifiedModel, translate, bodyFault } as const

export type Readings = typeof READINGS

export type ReadingName = keyof Readings

/** A body to send, with what the gateway needs to know about it. */
export interface InspectedBody {
  readonly inspection: RequestInspection
  /** The models that the request names; present if the connection restricts or limits models. */
  readonly naming?: ModelNaming
  /** The provider adapter's pool for the request. */
  readonly pool: string
  readonly body: Buffer
  /** The gateway's addition to `body`; absent if there is none. */
  readonly addition?: BodyAddition
}

export interface ModelNaming {
  readonly models: readonly string[]
  /** A member that two servers could read differently, because it occurs twice or in another spelling. */
  readonly ambiguous?: { readonly member: string; readonly isTwice: boolean }
}

interface BodyToInspect {
  readonly provider: ProviderId
  readonly operation: Operation
  /** Whether the connection restricts models or limits some of them separately. */
  readonly judged: boolean
  /** Whether streams are sent without adding a request for usage. */
  readonly withoutUsage?: boolean | undefined
  /** The application's headers. */
  readonly headers: WireHeaders
  readonly body: Buffer
}

/** Reads a body in the provider's format. `isNoObject`: the operation requires a JSON object and the body is none; {@link bodyFault} says why. */
function inspect({
  provider,
  operation,
  judged,
  withoutUsage,
  headers,
  body,
}: BodyToInspect): InspectedBody & { readonly isNoObject?: true } {
  const json = parseJsonObject(body)
  const adapter = providerAdapter(provider)
  // Operations that use no model cost no tokens, whatever the length of their bodies.
  const inspected = adapter.inspect(operation, json, operation.usesModel ? body.length : 0)
  const addsUsage = inspected.addsUsage && withoutUsage !== true
  const inspection = addsUsage === inspected.addsUsage ? inspected : { ...inspected, addsUsage }
  const naming = judged ? { naming: namingOf(adapter, operation, json, body) } : {}
  const outgoing = json === undefined ? { bytes: body } : adapter.outgoingBody(inspection, json, body)
  return {
    // An unlisted operation may accept something else under the content type of JSON.
    ...(json === undefined && takesJson(operation) ? { isNoObject: true } : {}),
    inspection,
    ...naming,
    pool: adapter.pool(operation, json, headers),
    body: outgoing.bytes,
    ...(outgoing.addition && { addition: outgoing.addition }),
  }
}

function takesJson({ usesModel, unlisted }: Operation): boolean {
  return usesModel && unlisted === undefined
}

function namingOf(
  adapter: ProviderAdapter,
  operation: Operation,
  json: Readonly<Record<string, unknown>> | undefined,
  body: Buffer,
): ModelNaming {
  const models = adapter.namedModels(operation, json)
  if (json === undefined) return { models }
  const watch = operation.unlisted || !operation.usesModel ? UNLISTED_MEMBERS : adapter.modelMembers
  const member = ambiguousMember(body, watch)
  return member === undefined ? { models } : { models, ambiguous: { member, isTwice: watch.spellings.has(member) } }
}

/** Reads the model of a unified request. `isNoObject`: the body is no JSON object; {@link bodyFault} says why. */
function unifiedModel({ body }: { readonly body: Buffer }): {
  readonly isNoObject?: true
  /** Absent if the request has none; null if it is not a string. */
  readonly model?: string | null
  readonly body: Buffer
} {
  const json = parseJsonObject(body)
  if (json === undefined) return { isNoObject: true, body }
  const { model } = json
  // Another type than a string is no name, and may be large.
  return { ...(model === undefined ? {} : { model: typeof model === 'string' ? model : null }), body }
}

/** Returns why a body is not a JSON object. A reading of its own, since it takes far longer than finding out that it is none. */
function bodyFault({ body }: { readonly body: Buffer }): string {
  return notAnObject(body)
}

export interface BodyToTranslate extends Omit<UnifiedRequest, 'body' | 'bytes'> {
  readonly provider: ProviderId
  readonly kind: 'chat' | 'embeddings'
  readonly judged: boolean
  readonly withoutUsage?: boolean | undefined
  readonly body: Buffer
}

/** A unified request, translated to its provider's format. */
interface TranslatedBody extends InspectedBody, Pick<NativeCall, 'query' | 'headers' | 'requested'> {
  readonly operation: Operation
}

export type TranslationReading =
  | (TranslatedBody & { readonly status: 'translated' })
  /** Final except for the images at `urls`; `body` is the input's, to be translated again with them. */
  | (TranslatedBody & ImagesNeeded)
  | Refusal

/** Translates a unified request to its provider's format. */
function translate({ body, ...given }: BodyToTranslate): TranslationReading {
  const json = parseJsonObject(body)
  if (json === undefined) throw new TypeError('the body to translate is not a JSON object')
  const request = { ...given, body: json, bytes: body }
  const translation = translateWith(request)
  if (translation.status !== 'images-needed') return translation
  const blank = { mediaType: 'image/png', base64: '' }
  const images = new Map(translation.urls.map((url) => [url, blank]))
  const complete = translateWith({ ...request, images })
  if (complete.status === 'images-needed') throw new Error('the translation still needs images although it has them')
  return complete.status === 'refused' ? complete : { ...complete, ...translation, body }
}

function translateWith(
  request: UnifiedRequest & Pick<BodyToTranslate, 'provider' | 'kind' | 'judged' | 'withoutUsage'>,
): TranslationReading | ImagesNeeded {
  const { provider, kind, judged, withoutUsage } = request
  const adapter = providerAdapter(provider)
  const translation = adapter.unified[kind].request(request)
  if (translation.status !== 'translated') return translation
  const { status, path, query, headers, requested } = translation
  const operation = adapter.operation('POST', path)
  if (operation === undefined) return NO_SUCH_MODEL
  const inspected = inspect({
    provider,
    operation,
    judged,
    withoutUsage,
    headers: headers ?? {},
    body: translation.body,
  })
  return { status, operation, query, headers, requested, ...inspected }
}

const NO_SUCH_MODEL: Refusal = {
  status: 'refused',
  code: 'invalid_request',
  message: 'The provider cannot have a model of this name.',
  param: 'model',
}

/** A body whose content type is not JSON. */
interface OtherBody extends Omit<BodyToInspect, 'judged' | 'withoutUsage'> {
  readonly type: string
}

/** Reads a body whose content type is not JSON, as a form if it is one. Only forms have a `naming`, with one model, perhaps unreported. */
async function inspectOther({ provider, operation, headers, type, body }: OtherBody): Promise<InspectedBody> {
  const adapter = providerAdapter(provider)
  // Servers may ignore the content type.
  const json = beginsAsObject(body) && isModest(body) ? parseJsonObject(body) : undefined
  const form = json === undefined ? await readForm(body, type) : undefined
  if (form !== undefined) {
    const { model, textBytes } = form
    return {
      inspection: { ...adapter.inspect(operation, undefined, textBytes), model },
      naming: { models: [model] },
      pool: adapter.pool(operation, undefined, headers),
      body,
    }
  }
  const textBytes = json === undefined && MEDIA_TYPE.test(type) ? 0 : body.length
  return { inspection: adapter.inspect(operation, json, textBytes), pool: adapter.pool(operation, json, headers), body }
}

/** Media, whose length says nothing about their cost in tokens. */
const MEDIA_TYPE = /^(?:audio|image|video)\//i

function beginsAsObject(body: Buffer): boolean {
  return body[body.findIndex((byte) => !WHITE_SPACE.has(byte))] === OPEN_BRACE
}

function isModest(body: Buffer): boolean {
  const structure = new JsonStructure()
  structure.push(body)
  return structure.excess === undefined
}

const WHITE_SPACE: ReadonlySet<number> = new Set([0x20, 0x09, 0x0a, 0x0d])
const OPEN_BRACE = 0x7b
