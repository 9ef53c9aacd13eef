import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import { SluiceError } from '@sluice/contracts'
import type { Logger } from '@sluice/service-kit'
import { type GatewayError, gatewayError } from '../domain/gateway-error.ts'
import { MAX_WAIT_HEADER, MAX_WAIT_MS, maxWaitMs } from '../domain/max-wait.ts'
import type { DataPlane } from '../ports/data-plane.ts'
import type { UpstreamRequest } from '../ports/upstream.ts'
import { AnswerRelay } from './answer-relay.ts'
import type { Call } from './call.ts'
import { goneSignal } from './gone-signal.ts'
import { heldBody } from './held-body.ts'
import { obtainPermit } from './obtain-permit.ts'
import { prepareCall } from './prepare-call.ts'
import { isFormToRead, readForm } from './read-form.ts'
import { recordUnsent } from './record-unsent.ts'
import { refuseCall } from './refuse-call.ts'
import { signedRequest } from './signed-request.ts'
import { isUpload, uploadBody } from './upload-body.ts'
import { credentialOf, upstreamRequest } from './upstream-request.ts'
import { writeError } from './write-error.ts'

export interface ForwardOptions {
  readonly logger: Logger
  /** Of a body that is held in memory to be looked into. */
  readonly maxBodyBytes: number
  /** Of a body that is streamed on. */
  readonly maxUploadBytes: number
}

/**
 * Takes an admitted call to its provider and the answer back. The permit is always settled, and the response ended; only where
 * it cannot even be told of its failure, rejects.
 * @param body a Buffer for JSON, the request itself where the body is to be streamed on, undefined where there is none
 */
export async function forwardCall(
  plane: DataPlane,
  call: Call,
  request: IncomingMessage,
  body: unknown,
  response: ServerResponse,
  options: ForwardOptions,
): Promise<void> {
  let relay: AnswerRelay | undefined
  try {
    const waitMs = maxWaitMs(request.headers[MAX_WAIT_HEADER], call.connection.settings.maxWaitMs)
    if (waitMs === undefined) return refuseCall(plane, call, BAD_MAX_WAIT, response)
    const length = Number(request.headers['content-length'] ?? 0)
    if (isUpload(body) && length > options.maxUploadBytes) {
      return refuseCall(plane, call, TOO_LARGE, response)
    }
    const form = isFormToRead(call, body) ? await readForm(body, formLimit(options)) : undefined
    if (form === 'left') return recordUnsent(plane, call, '', { outcome: 'aborted' })
    if (form === 'too-large') return refuseCall(plane, call, TOO_LARGE, response)
    const preparation = prepareCall(call, body instanceof Buffer ? body : undefined, form)
    if (preparation.status === 'refused') return refuseCall(plane, call, preparation.error, response)

    // A permit is good for a moment only: what may take longer is there before it.
    const signs = call.connection.adapter.signing === 'sigv4'
    if (signs) await plane.signer.prepare(call.connection.settings)
    const secrets = await credentialOf(plane, call)
    const whole = preparation.body ?? form?.bytes ?? (await heldBody(body))
    if (whole === 'left') return recordUnsent(plane, call, '', { outcome: 'aborted' })
    const upload = isUpload(body) && whole === undefined ? body : undefined
    let outgoing: UpstreamRequest | undefined
    const flowing = (request: IncomingMessage): Readable => {
      const flow = uploadBody(request, options.maxUploadBytes)
      // An upload that its provider never reads is read to its end here, so that its sender sees the response.
      response.once('close', () => flow.destroy())
      return flow
    }
    const wait = { maxWaitMs: waitMs, gone: () => goneSignal(response) }
    for (let departures = 1; departures <= MAX_DEPARTURES; departures++) {
      const permission = await obtainPermit(plane, preparation.call, wait)
      if (permission.status === 'left') return
      if (permission.status === 'refused') {
        return writeError(response, permission.error, { ...call, rateLimits: permission.rateLimits })
      }
      relay = new AnswerRelay(plane, permission.call, response, options.logger)
      // An upload flows from here on: it is the same one in a further try.
      outgoing ??= upstreamRequest(permission.call, secrets, whole ?? (upload === undefined ? null : flowing(upload)))
      const signed = signs ? await signedRequest(plane, permission.call, outgoing) : { request: outgoing, secrets }
      if ((await relay.send(signed.request, signed.secrets)) === 'departed') return
      relay = undefined
      plane.permits.expired(call.connection.settings.id)
    }
    refuseCall(plane, call, neverDeparted(call), response)
  } catch (error) {
    const expected = error instanceof SluiceError && error.code === 'credential_unavailable'
    options.logger[expected ? 'warn' : 'error']({ err: error, requestId: call.requestId }, 'request not forwarded')
    const answer = expected
      ? gatewayError('credential_unavailable', 'The credential of the connection is not available.')
      : gatewayError('internal', 'Internal error.')
    if (relay === undefined) refuseCall(plane, call, answer, response)
    else relay.giveUp(answer)
  }
}

/** The second try usually finds a connection that the first one has made. */
const MAX_DEPARTURES = 5

function neverDeparted({ connection }: Call): GatewayError {
  const { name } = connection.settings
  const message = `Connecting to the provider of connection "${name}" took longer than a permit holds, in each of ${MAX_DEPARTURES} tries.`
  return gatewayError('upstream_timeout', message)
}

function formLimit({ maxBodyBytes, maxUploadBytes }: ForwardOptions): number {
  return Math.min(maxBodyBytes, maxUploadBytes)
}

const TOO_LARGE = gatewayError('payload_too_large', 'The upload is too large.')
const BAD_MAX_WAIT = gatewayError(
  'invalid_request',
  `The header ${MAX_WAIT_HEADER} takes a number of seconds from 0 to ${MAX_WAIT_MS / 1_000}.`,
)
