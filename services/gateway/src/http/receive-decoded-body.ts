import type { IncomingMessage } from 'node:http'
import type { WireHeaders } from '@sluice/providers'
import { ABORTED, ok, type Result, refused } from '../result.ts'
import { type BodyDecoder, type DecodeOutcome, MAX_FRAMES } from './body-decoder.ts'
import { CONTENT_CODINGS, type ContentCoding, contentCodings } from './content-coding.ts'
import { type GatewayError, gatewayError } from './gateway-error.ts'
import { BodyMemory, type BodyToReceive, receiveBody } from './receive-body.ts'

export interface BodyToDecode extends BodyToReceive {
  readonly bodyDecoder: BodyDecoder
  /** The API key's id. */
  readonly owner: string
  readonly isDisconnected: () => boolean
}

/**
 * Receives a body that is to be held in memory, as {@link receiveBody} does, and takes its content codings off. Compressed and decoded, it is
 * bounded by `maxBytes` and taken account of. A coding that is not known is refused before any of the body is read.
 */
export function receiveDecodedBody(request: IncomingMessage, options: BodyToDecode): Promise<Result<Buffer>> {
  const codings = contentCodings(request.headers['content-encoding'])
  if ('unknown' in codings) return Promise.resolve(refused(unknownCoding(codings.unknown)))
  if (codings.length === 0) return receiveBody(request, options)
  if (codings.length > MAX_CODINGS) return Promise.resolve(refused(TOO_MANY_CODINGS))
  return receiveEncoded(request, codings.toReversed(), options)
}

/** Returns the headers that go with a decoded body; the same object if the body came uncompressed. */
export function decodedHeaders(headers: WireHeaders): WireHeaders {
  if (headers['content-encoding'] === undefined) return headers
  const { 'content-encoding': _coding, 'content-md5': _md5, 'content-digest': _digest, ...others } = headers
  return others
}

/** @param codings the last that was applied comes first */
async function receiveEncoded(
  request: IncomingMessage,
  codings: readonly ContentCoding[],
  options: BodyToDecode,
): Promise<Result<Buffer>> {
  const { bodyDecoder, owner, isDisconnected, maxBytes, held, structure } = options
  const received = await receiveBody(request, { maxBytes, held })
  if (received.status !== 'ok') return received
  let body = received.value
  for (const [index, coding] of codings.entries()) {
    const isLast = index === codings.length - 1
    const memory = new BodyMemory({ maxBytes, held, structure: isLast ? structure : undefined })
    const keep = (piece: Buffer) => memory.keep(piece)
    const outcome = await bodyDecoder.decode(body, coding, { owner, isDisconnected, keep })
    if (outcome.status === 'disconnected') return ABORTED
    if (outcome.status !== 'decoded') {
      held.giveBack()
      return refused(decodingError(outcome, coding))
    }
    held.giveBack(body.length)
    body = memory.whole()
  }
  return ok(body)
}

function decodingError(
  outcome: Exclude<DecodeOutcome<GatewayError>, { readonly status: 'decoded' | 'disconnected' }>,
  coding: ContentCoding,
): GatewayError {
  if (outcome.status === 'ended') return outcome.reason
  const why = DECODING_FAULTS[outcome.status]
  return gatewayError('invalid_request', `The body cannot be decoded by its content-encoding "${coding}": ${why}.`)
}

const DECODING_FAULTS = {
  damaged: 'the data is damaged, cut short, or not compressed in this way',
  'window-too-large': 'its window is larger than 8 MiB',
  'too-many-frames': `it has more than ${MAX_FRAMES} frames. Compress it as one`,
}

function unknownCoding(name: string): GatewayError {
  const shown = name.length > MAX_SHOWN_CHARS ? `${name.slice(0, MAX_SHOWN_CHARS)}…` : name
  const message = `The content-encoding "${shown}" is not supported. Compress the body with ${LIST}, or send it as it is.`
  return { ...gatewayError('invalid_request', message), status: UNSUPPORTED_MEDIA_TYPE }
}

const UNSUPPORTED_MEDIA_TYPE = 415
const LIST = new Intl.ListFormat('en', { type: 'disjunction' }).format(CONTENT_CODINGS)
const MAX_SHOWN_CHARS = 50
/** The most codings of one body: each takes the work of a whole body. */
const MAX_CODINGS = 3
const TOO_MANY_CODINGS = gatewayError(
  'invalid_request',
  `The body has more than ${MAX_CODINGS} content codings. Compress it once.`,
)
