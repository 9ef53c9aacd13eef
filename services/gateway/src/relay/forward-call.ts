import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import { JsonStructure, withoutAddition } from '@sluice/providers'
import type { Logger } from '@sluice/service-kit'
import { faultError, recordUnsent, refuseCall } from '../admission/refuse.ts'
import type { DataPlane } from '../data-plane.ts'
import { ClientDisconnected } from '../estimate/body-reader.ts'
import type { GatewayError } from '../http/gateway-error.ts'
import { type HeldBytes, holdingBytes } from '../http/held-bytes.ts'
import { bringsBody, tooLarge } from '../http/receive-body.ts'
import { decodedHeaders, receiveDecodedBody } from '../http/receive-decoded-body.ts'
import { heldBody, uploadBody } from '../http/upload-body.ts'
import type { Call } from './call.ts'
import { isJsonRead, isOtherRead, prepareCall, type WholeBody } from './prepare-call.ts'
import { sendCall, waitOf } from './send-call.ts'

export interface ForwardOptions {
  readonly logger: Logger
  /** Of a body that is held in memory to be looked into. */
  readonly maxBodyBytes: number
  /** Of a body that is streamed on. */
  readonly maxUploadBytes: number
}

/**
 * Takes an admitted call to its provider and the answer back. Its response is ended in any case; only where it cannot even be told of its
 * failure, rejects.
 */
export async function forwardCall(
  plane: DataPlane,
  call: Call,
  request: IncomingMessage,
  response: ServerResponse,
  options: ForwardOptions,
): Promise<void> {
  const refuse = (error: GatewayError): void => refuseCall(plane, call, error, response)
  try {
    const waitMs = waitOf(call.connection, request)
    if (typeof waitMs !== 'number') return refuse(waitMs)
    if (!bringsBody(request)) {
      return await forwardBody(plane, call, { request, held: undefined }, response, { ...options, waitMs })
    }
    await holdingBytes(plane, call.apiKey, response, (held) =>
      forwardBody(plane, call, { request, held }, response, { ...options, waitMs }),
    )
  } catch (error) {
    if (error instanceof ClientDisconnected) recordUnsent(plane, call, '', { outcome: 'aborted' })
    else refuse(faultError(error, call.requestId, options.logger))
  }
}

/** @param held takes account of the body; undefined where there is none */
async function forwardBody(
  plane: DataPlane,
  call: Call,
  { request, held }: { readonly request: IncomingMessage; readonly held: HeldBytes | undefined },
  response: ServerResponse,
  options: ForwardOptions & { readonly waitMs: number },
): Promise<void> {
  const { logger, maxUploadBytes, waitMs } = options
  const refuse = (error: GatewayError): void => refuseCall(plane, call, error, response)
  const left = (): void => recordUnsent(plane, call, '', { outcome: 'aborted' })

  const taken = held === undefined ? NO_BODY : await takeBody(plane, call, { request, held }, response, options)
  if (taken.status === 'left') return left()
  if (taken.status === 'refused') return refuse(taken.error)
  const isWhole = taken.read !== undefined || taken.unread !== undefined
  const headers = isWhole ? decodedHeaders(call.headers) : call.headers
  const plainCall = headers === call.headers ? call : { ...call, headers }
  const preparation = await prepareCall(plane, plainCall, taken.read, {
    mayWait: waitMs > 0,
    isGone: () => response.destroyed,
  })
  if (preparation.status === 'refused') return refuse(preparation.error)

  const isUpload = held !== undefined && !isWhole
  const whole = isUpload ? await heldBody(request, held) : (preparation.body ?? taken.unread)
  if (whole === 'left') return left()
  const streamed = isUpload && whole === undefined ? streamedOn(request, response, maxUploadBytes) : () => null
  const { addition } = preparation
  const plain = addition && whole && (() => withoutAddition(whole, addition))
  await sendCall(plane, preparation.call, { held, outgoing: () => whole ?? streamed(), plain }, response, {
    waitMs,
    logger,
  })
}

/** Gives the upload as a stream that flows from when it is first asked for, and is the same one in a further try. */
function streamedOn(request: IncomingMessage, response: ServerResponse, maxBytes: number): () => Readable {
  let flow: Readable | undefined
  return () => {
    if (flow !== undefined) return flow
    const upload = uploadBody(request, maxBytes)
    // One that its provider never reads is read to its end here, so that its sender sees the response.
    response.once('close', () => upload.destroy())
    flow = upload
    return upload
  }
}

type TakenBody =
  /** `read`: to be looked into. `unread`: whole, but only sent on. Neither: there is none, or it is streamed on. */
  | { readonly status: 'taken'; readonly read?: WholeBody; readonly unread?: Buffer }
  | { readonly status: 'refused'; readonly error: GatewayError }
  | { readonly status: 'left' }

/** Receives a body that has to be whole before it goes on, and decodes it. Any other is streamed on as it comes, with its content-encoding. */
async function takeBody(
  { bodyDecoder }: DataPlane,
  call: Call,
  { request, held }: { readonly request: IncomingMessage; readonly held: HeldBytes },
  response: ServerResponse,
  { maxBodyBytes, maxUploadBytes }: ForwardOptions,
): Promise<TakenBody> {
  const decoding = { bodyDecoder, owner: call.apiKey.id, isGone: () => response.destroyed, held }
  const { 'content-type': type = '', 'content-length': length = '0' } = request.headers
  if (isJson(type) || (type === '' && call.operation.untypedIsJson === true)) {
    const structure = isJsonRead(call) ? new JsonStructure() : undefined
    const received = await receiveDecodedBody(request, { ...decoding, maxBytes: maxBodyBytes, structure })
    if (received.status !== 'received') return received
    const { body } = received
    return structure === undefined
      ? { status: 'taken', unread: body }
      : { status: 'taken', read: { kind: 'json', body, structure } }
  }
  if (isOtherRead(call, type)) {
    const maxBytes = Math.min(maxBodyBytes, maxUploadBytes)
    const received = await receiveDecodedBody(request, { ...decoding, maxBytes })
    if (received.status !== 'received') return received
    return { status: 'taken', read: { kind: 'other', body: received.body, type } }
  }
  if (Number(length) <= maxUploadBytes) return NO_BODY
  return { status: 'refused', error: tooLarge('upload', maxUploadBytes, Number(length)) }
}

/** Whether a content type is that of JSON, whatever its parameters. */
export function isJson(contentType: string): boolean {
  return JSON_TYPE.test(contentType)
}

const JSON_TYPE = /^application\/json\s*(?:;|$)/i
const NO_BODY: TakenBody = { status: 'taken' }
