import type { ProviderId } from '@sluice/contracts'
import {
  ambiguousMember,
  type BodyAddition,
  foldedName,
  type ImagesNeeded,
  JsonStructure,
  type NativeCall,
  type Operation,
  type ProviderAdapter,
  providerAdapter,
  type Refusal,
  type RequestInspection,
  UNLISTED_MEMBERS,
  UNREPORTED_MODEL,
  type UnifiedRequest,
  type WireHeaders,
} from '@sluice/providers'
import { notAnObject, parseJsonObject } from './json-object.ts'

/**
 * What is read from a request's body before it is sent. Each takes and gives plain data, bodies among it, and depends on nothing else, so
 * that one that takes long can be run in another thread. A body that was given belongs to the reading until it is given back.
 */
export const READINGS = { inspect, inspectOther, unifiedModel, translate, bodyFault } as const

export type Readings = typeof READINGS
export type ReadingName = keyof Readings

/** A body to send, and what is to be known of it. */
export interface InspectedBody {
  readonly inspection: RequestInspection
  /** Where models are told apart: the models that the request names. */
  readonly naming?: ModelNaming
  /** As of the provider's adapter. */
  readonly pool: string
  readonly body: Buffer
  /** What in `body` is not the application's, but the gateway's own. Absent: nothing. */
  readonly addition?: BodyAddition
}

export interface ModelNaming {
  readonly models: readonly string[]
  /** A member that two servers could read differently: it is there twice, or in another spelling. */
  readonly ambiguous?: { readonly member: string; readonly isTwice: boolean }
}

export interface BodyToInspect {
  readonly provider: ProviderId
  readonly operation: Operation
  /** Models are told apart: some are not allowed, or have limits of their own. */
  readonly judged: boolean
  /** Streams go without a request for usage that the application did not make. */
  readonly withoutUsage?: boolean | undefined
  /** The caller's. */
  readonly headers: WireHeaders
  readonly body: Buffer
}

/** Reads a body in the provider's own format. `isNoObject`: it is no JSON object, and the operation needs one; {@link bodyFault} says why. */
function inspect({
  provider,
  operation,
  judged,
  withoutUsage,
  headers,
  body,
}: BodyToInspect): InspectedBody & { readonly isNoObject?: true } {
  const json = parseJsonObject(body)
  const adapter = adapterOf(provider)
  // Operations that use no model cost nothing, whatever their bodies' length.
  const inspected = adapter.inspect(operation, json, operation.usesModel ? body.length : 0)
  const addsUsage = inspected.addsUsage && withoutUsage !== true
  const inspection = addsUsage === inspected.addsUsage ? inspected : { ...inspected, addsUsage }
  const naming = judged ? { naming: namingOf(adapter, operation, json, body) } : {}
  const outgoing = json === undefined ? { bytes: body } : adapter.outgoingBody(inspection, json, body)
  return {
    // What is not known to take JSON may take something else under its name.
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

/** Reads what a unified request names as its model. `isNoObject`: the body is no JSON object; {@link bodyFault} says why. */
function unifiedModel({ body }: { readonly body: Buffer }): {
  readonly isNoObject?: true
  /** Absent: it is not there; null: it is no text. */
  readonly model?: string | null
  readonly body: Buffer
} {
  const json = parseJsonObject(body)
  if (json === undefined) return { isNoObject: true, body }
  const { model } = json
  // What is no text is no name, and may be large.
  return { ...(model === undefined ? {} : { model: typeof model === 'string' ? model : null }), body }
}

/** Says what keeps a body from being a JSON object. A reading of its own, as it takes far longer than finding that it is none. */
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

/** A request in its provider's words. */
export interface TranslatedBody extends InspectedBody, Pick<NativeCall, 'query' | 'headers' | 'requested'> {
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
  request: UnifiedRequest & Pick<BodyToTranslate, 'provider' | 'kind' | 'judged' | 'withoutUsage'>,
): TranslationReading | ImagesNeeded {
  const { provider, kind, judged, withoutUsage } = request
  const adapter = adapterOf(provider)
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
  message: 'The provider can have no model of this name.',
  param: 'model',
}

/** A body that is no JSON by its type. */
export interface OtherBody extends Omit<BodyToInspect, 'judged' | 'withoutUsage'> {
  readonly type: string
}

/** Reads such a body, as a form if it is one. `naming` is there for a form: it has one model, or one that cannot be told. */
async function inspectOther({ provider, operation, headers, type, body }: OtherBody): Promise<InspectedBody> {
  const adapter = adapterOf(provider)
  // Servers need not go by the type.
  const json = beginsAsObject(body) && isModest(body) ? parseJsonObject(body) : undefined
  const boundary = json === undefined ? FORM_TYPE.exec(type) : null
  if (boundary !== null) {
    const { model, textBytes } = await fieldsOf(body, type, boundary[1] ?? boundary[2] ?? '')
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

/** Whether a content type is that of a form, with one boundary, about which no two readers can differ. */
export function isForm(contentType: string): boolean {
  return FORM_TYPE.test(contentType)
}

const FORM_TYPE = /^multipart\/form-data; ?boundary=(?:"([^"\\]+)"|([^\s";,]+))$/i
/** Their length does not tell what they cost a model. */
const MEDIA_TYPE = /^(?:audio|image|video)\//i

/** What cannot be read names no model, and is refused for that, or counted as a whole. */
async function fieldsOf(
  body: Buffer,
  type: string,
  boundary: string,
): Promise<{ readonly model: string; readonly textBytes: number }> {
  const unreadable = { model: UNREPORTED_MODEL, textBytes: body.length }
  if (occurrences(body, `--${boundary}`, MAX_FIELDS + 1) > MAX_FIELDS) return unreadable
  const form = await new Response(body, { headers: { 'content-type': type } }).formData().catch(() => undefined)
  if (form === undefined) return unreadable
  const fields = [...form]
  const texts = fields.map(([, value]) => (typeof value === 'string' ? Buffer.byteLength(value) : 0))
  return { model: modelIn(fields), textBytes: texts.reduce((sum, textBytes) => sum + textBytes, 0) }
}

function modelIn(fields: readonly (readonly [string, unknown])[]): string {
  const [[name, model] = [], ...others] = fields.filter(([name]) => MODEL_NAMES.has(foldedName(name)))
  return name === 'model' && typeof model === 'string' && others.length === 0 ? model : UNREPORTED_MODEL
}

/** Of a field that a server may take for the one that names the model, or more of them. */
const MODEL_NAMES: ReadonlySet<string> = new Set(['model', 'models'])
const MAX_FIELDS = 1_000

/** Counts no further than `most`. */
function occurrences(body: Buffer, text: string, most: number): number {
  let count = 0
  for (let at = body.indexOf(text); at >= 0 && count < most; at = body.indexOf(text, at + text.length)) count++
  return count
}

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

function adapterOf(provider: ProviderId): ProviderAdapter {
  const adapter = providerAdapter(provider)
  if (adapter === undefined) throw new TypeError(`there is no adapter for ${provider}`)
  return adapter
}
