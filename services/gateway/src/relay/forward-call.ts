import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import { JsonStructure, withoutAddition } from '@sluice/providers'
import type { Logger } from '@sluice/service-kit'
import { waitOf } from '../admission/check-head.ts'
import { endedByFault, refuse } from '../admission/refuse.ts'
import type { BodyDecoder } from '../http/body-decoder.ts'
import { type ByteAccount, type HeldBytes, holdingBytes } from '../http/held-bytes.ts'
import { bringsBody, tooLarge } from '../http/receive-body.ts'
import { decodedHeaders, receiveDecodedBody } from '../http/receive-decoded-body.ts'
import { heldBody, uploadBody } from '../http/upload-body.ts'
import { ABORTED, type Ended, ok, type Result, refused } from '../result.ts'
import type { Call } from './call.ts'
import { type InspectDeps, inspectCall, isJsonRead, isOtherRead, type WholeBody } from './inspect-call.ts'
import { type SendDeps, sendCall } from './send-call.ts'

export interface ForwardDeps extends SendDeps, InspectDeps {
  readonly bodyDecoder: BodyDecoder
  readonly heldBytes: ByteAccount
}

export interface ForwardOptions {
  readonly logger: Logger
  /** The most bytes of a body that is held in memory to be inspected. */
  readonly maxBodyBytes: number
  /** The most bytes of a body that is streamed on. */
  readonly maxUploadBytes: number
}

/**
 * Takes an admitted native call from its request to its recorded end: checks its headers and body here, and goes on in {@link sendCall}.
 * Ends the response in any case; rejects only where it cannot even respond with an error.
 */
export async function forwardCall(
  deps: ForwardDeps,
  call: Call,
  request: IncomingMessage,
  response: ServerResponse,
  options: ForwardOptions,
): Promise<void> {
  try {
    const wait = waitOf(call.connection, request)
    if (wait.status !== 'ok') return refuse(deps, call, wait, response)
    const sending = { ...options, waitMs: wait.value }
    if (!bringsBody(request)) return await forwardBody(deps, call, { request, held: undefined }, response, sending)
    await holdingBytes(deps.heldBytes, call.apiKey, response, (held) =>
      forwardBody(deps, call, { request, held }, response, sending),
    )
  } catch (error) {
    refuse(deps, call, endedByFault(error, call.requestId, options.logger), response)
  }
}

/** Receives and inspects the body, and sends the call. @param held the account of the body's bytes; undefined if there is no body */
async function forwardBody(
  deps: ForwardDeps,
  call: Call,
  { request, held }: { readonly request: IncomingMessage; readonly held: HeldBytes | undefined },
  response: ServerResponse,
  options: ForwardOptions & { readonly waitMs: number },
): Promise<void> {
  const { logger, maxUploadBytes, waitMs } = options
  const end = (ended: Ended): void => refuse(deps, call, ended, response)

  const received = held === undefined ? NO_BODY : await receive(deps, call, { request, held }, response, options)
  if (received.status !== 'ok') return end(received)
  const { read, unread } = received.value
  const isWhole = read !== undefined || unread !== undefined
  const headers = isWhole ? decodedHeaders(call.headers) : call.headers
  const plainCall = headers === call.headers ? call : { ...call, headers }
  const mayWait = waitMs > 0
  const inspected = await inspectCall(deps, plainCall, read, { mayWait, isDisconnected: () => response.destroyed })
  if (inspected.status !== 'ok') return end(inspected)

  const isUpload = held !== undefined && !isWhole
  const whole = isUpload ? await heldBody(request, held) : (inspected.value.body ?? unread)
  if (whole === 'disconnected') return end(ABORTED)
  const streamed = isUpload && whole === undefined ? streamedOn(request, response, maxUploadBytes) : () => null
  const { addition } = inspected.value
  const plain = addition && whole && (() => withoutAddition(whole, addition))
  const body = { held, outgoing: () => whole ?? streamed(), plain }
  await sendCall(deps, inspected.value.call, body, response, { waitMs, logger })
}

/** `read`: whole, to be inspected. `unread`: whole, but only sent on. Neither: there is none, or it is streamed on. */
interface ReceivedBody {
  readonly read?: WholeBody
  readonly unread?: Buffer
}

const NO_BODY = ok<ReceivedBody>({})

/** Receives a body that has to be whole before it goes on, and decodes it. Any other is streamed on as it comes, with its content-encoding. */
async function receive(
  { bodyDecoder }: Pick<ForwardDeps, 'bodyDecoder'>,
  call: Call,
  { request, held }: { readonly request: IncomingMessage; readonly held: HeldBytes },
  response: ServerResponse,
  { maxBodyBytes, maxUploadBytes }: ForwardOptions,
): Promise<Result<ReceivedBody>> {
  const decoding = { bodyDecoder, owner: call.apiKey.id, isDisconnected: () => response.destroyed, held }
  const { 'content-type': type = '', 'content-length': length = '0' } = request.headers
  if (isJson(type) || (type === '' && call.operation.untypedIsJson === true)) {
    const structure = isJsonRead(call) ? new JsonStructure() : undefined
    const received = await receiveDecodedBody(request, { ...decoding, maxBytes: maxBodyBytes, structure })
    if (received.status !== 'ok') return received
    const body = received.value
    return ok(structure === undefined ? { unread: body } : { read: { kind: 'json', body, structure } })
  }
  if (isOtherRead(call, type)) {
    const maxBytes = Math.min(maxBodyBytes, maxUploadBytes)
    const received = await receiveDecodedBody(request, { ...decoding, maxBytes })
    return received.status === 'ok' ? ok({ read: { kind: 'other', body: received.value, type } }) : received
  }
  return Number(length) <= maxUploadBytes ? NO_BODY : refused(tooLarge('upload', maxUploadBytes, Number(length)))
}

/** Returns the upload as a stream that flows from the first call on, and is the same one in a further attempt. */
function streamedOn(request: IncomingMessage, response: ServerResponse, maxBytes: number): () => Readable {
  let flow: Readable | undefined
  return () => {
    if (flow !== undefined) return flow
    const upload = uploadBody(request, maxBytes)
    // Where the provider never reads it, it is read to its end here, so that its sender sees the response.
    response.once('close', () => upload.destroy())
    flow = upload
    return upload
  }
}

/** Returns whether a content type is that of JSON, whatever its parameters. */
export function isJson(contentType: string): boolean {
  return JSON_TYPE.test(contentType)
}

const JSON_TYPE = /^application\/json\s*(?:;|$)/i
