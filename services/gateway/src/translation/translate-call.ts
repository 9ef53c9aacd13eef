import {
  type InlineImage,
  type JsonStructure,
  mayHoldJson,
  openAiErrorResponse,
  type Refusal,
  withoutAddition,
} from '@sluice/providers'
import { distinguishesModels } from '../admission/allowed-models.ts'
import type { UsableConnection } from '../admission/connection.ts'
import type { BodyReader } from '../estimate/body-reader.ts'
import type { BodyToTranslate, TranslationReading } from '../estimate/body-readings.ts'
import { type GatewayError, gatewayError } from '../http/gateway-error.ts'
import type { HeldBytes } from '../http/held-bytes.ts'
import { NO_ROOM } from '../http/receive-body.ts'
import { decodedHeaders } from '../http/receive-decoded-body.ts'
import type { Call, InspectedCall, PermittedCall } from '../relay/call.ts'
import { inspectedCall } from '../relay/inspect-call.ts'
import { type CallBody, type CompletedCall, disconnectSignal } from '../relay/send-call.ts'
import { ABORTED, ok, type Result, refused } from '../result.ts'
import type { ImageFault, Images } from './images.ts'
import type { NamedModel } from './named-model.ts'
import { readingTask, type UnifiedBody, type UnifiedCall } from './unified-call.ts'

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
 * @param options `mayWait`: the request may wait for its permit
 */
export async function translateCall(
  deps: TranslateDeps,
  unified: UnifiedCall,
  { connection, model, body }: NamedModel,
  { structure, held }: UnifiedBody,
  { mayWait }: { readonly mayWait: boolean },
): Promise<Result<TranslatedCall>> {
  const sizeBytes = body.length
  const judged = mayWait || distinguishesModels(connection)
  const task = readingTask(unified, estimatedNs(unified, connection, body, structure))
  const settings = translationSettings(unified, connection, { model, judged })
  const translate = async (given: Buffer, inline: InlineImages): Promise<TranslationReading> =>
    deps.bodyReader.read('translate', { ...settings, images: inline, body: given }, task)

  const translated = await translate(body, NO_IMAGES)
  if (translated.status === 'refused') return refused(refusalError(translated))
  const inspected = inspectedCall(providerCall(unified, connection, translated), translated)
  if (inspected.status !== 'ok') return inspected
  const added = held.hold(Math.max(0, translated.body.length - sizeBytes))
  if (added !== 'held') return refused(NO_ROOM[added])

  const { call } = inspected.value
  const { body: sentBody, addition } = translated
  const outgoing = (): Buffer => sentBody
  if (translated.status === 'translated') {
    const plain = addition && (() => withoutAddition(sentBody, addition))
    return ok({ call, body: { held, outgoing, plain } })
  }
  const { urls } = translated
  const complete = (permitted: PermittedCall) =>
    withImages(deps.images, unified, permitted, { urls, held, translate: (images) => translate(sentBody, images) })
  return ok({ call, body: { held, outgoing, complete } })
}

type InlineImages = ReadonlyMap<string, InlineImage>

function translationSettings(
  { requestId, startedAtMs, operation: kind }: UnifiedCall,
  { settings }: UsableConnection,
  { model, judged }: { readonly model: string; readonly judged: boolean },
): Omit<BodyToTranslate, 'body' | 'images'> {
  return {
    provider: settings.provider,
    kind,
    judged,
    withoutUsage: settings.requestStreamUsage === false,
    model,
    defaultMaxOutputTokens: settings.defaultMaxOutputTokens,
    responseId: requestId,
    receivedAtMs: startedAtMs,
  }
}

/** Returns how long the translation takes at most, for the reader to decide where it runs. */
function estimatedNs(
  { operation: kind }: UnifiedCall,
  { adapter }: UsableConnection,
  body: Buffer,
  structure: JsonStructure,
): number {
  const isNested = adapter.unified[kind].opensStrings === true && mayHoldJson(body)
  const byteNs = TEXT_BYTE_NS + (isNested ? NESTED_BYTE_NS : 0)
  return structure.parseNs * TRANSLATION_FACTOR + body.length * byteNs
}

/** Returns the translated request as a call of the provider's own API. */
function providerCall(
  { requestId, startedAtMs, apiKey, operation: kind, request }: UnifiedCall,
  connection: UsableConnection,
  { operation, query, headers, requested }: Exclude<TranslationReading, { readonly status: 'refused' }>,
): Call {
  return {
    requestId,
    startedAtMs,
    apiKey,
    connection,
    method: 'POST',
    operation,
    query,
    headers: headers ?? decodedHeaders(request.headers),
    translation: connection.adapter.unified[kind].response(requested),
    formatError: openAiErrorResponse,
  }
}

interface MissingImages {
  readonly urls: readonly string[]
  readonly held: HeldBytes
  readonly translate: (images: InlineImages) => Promise<TranslationReading>
}

/** Fetches the images that a call still lacks, and translates it again with them. */
async function withImages(
  images: Images,
  { apiKey, response }: UnifiedCall,
  permitted: PermittedCall,
  { urls, held, translate }: MissingImages,
): Promise<Result<CompletedCall>> {
  const signal = disconnectSignal(response)
  const hold = (bytes: number): boolean => held.hold(bytes * IMAGE_COPIES) === 'held'
  const fetched = await images.fetch(urls, { owner: apiKey.id, disconnected: signal, hold })
  if (signal.aborted) return ABORTED
  if ('fault' in fetched) return refused(imageError(fetched))
  const completed = await translate(fetched)
  if (completed.status === 'refused') return refused(refusalError(completed))
  if (completed.status === 'images-needed') throw new Error('the translation needs an image that was fetched already')
  const { inspection, naming, body } = completed
  return ok({ call: { ...permitted, inspection, naming }, body })
}

function imageError({ fault, message }: ImageFault): GatewayError {
  return fault === 'busy'
    ? gatewayError('unavailable', message)
    : gatewayError('invalid_request', message, { param: 'messages' })
}

function refusalError({ code, message, param }: Refusal): GatewayError {
  return gatewayError(code, message, param === undefined ? {} : { param })
}

const NO_IMAGES: InlineImages = new Map()
/** An image is held as it came, in base64, and in the body, for a moment twice. */
const IMAGE_COPIES = 4
/** How much longer a chat completion takes to be checked, translated and read again than to be parsed. */
const TRANSLATION_FACTOR = 4
/** The time per byte of text, which parsing hardly looks at: a translation reads it several times, and writes it. */
const TEXT_BYTE_NS = 8
/** The time per byte of JSON in a string, such as a tool call's arguments, that is made to be slow. */
const NESTED_BYTE_NS = 60
