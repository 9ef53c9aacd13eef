import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import type { Logger } from '@sluice/service-kit'
import { NOTHING_USED } from '../accounting/settlement.ts'
import { currentCall } from '../admission/admit-call.ts'
import { MAX_WAIT_HEADER, MAX_WAIT_MS, maxWaitMs } from '../admission/check-head.ts'
import type { UsableConnection } from '../admission/connection.ts'
import { faultError, recordUnsent, refuseCall } from '../admission/refuse.ts'
import type { DataPlane } from '../data-plane.ts'
import { type GatewayError, gatewayError } from '../http/gateway-error.ts'
import type { HeldBytes } from '../http/held-bytes.ts'
import { writeError } from '../http/write-error.ts'
import type { Permit } from '../permits/permit.ts'
import type { Call, PermittedCall, PreparedCall } from './call.ts'
import { obtainPermit } from './obtain-permit.ts'
import { credentialReady, readyToSend } from './outgoing-request.ts'
import { ResponseRelay, type ResponseWatch } from './response-relay.ts'
import { additionWatch, withAdditionDecided } from './usage-addition.ts'

/** Aborted when the application goes away before it was answered. */
export function goneSignal(response: ServerResponse): AbortSignal {
  const gone = new AbortController()
  if (response.destroyed) gone.abort()
  else response.once('close', () => gone.abort())
  return gone.signal
}

/** What is sent with a call. */
export interface CallBody {
  /** The account of its bytes, where it has any. */
  readonly held?: HeldBytes | undefined
  /** Gives the body; a stream is the same one each time. */
  readonly outgoing: () => Buffer | Readable | null
  /** Gives the body as the application sent it. Absent where the gateway has added nothing of its own. */
  readonly plain?: (() => Buffer) | undefined
  /** What the body needs that is not there yet, and is got for no request without a permit. */
  readonly complete?: (call: PermittedCall) => Promise<Completion>
}

export type Completion =
  | { readonly status: 'completed'; readonly call: PermittedCall; readonly body: Buffer }
  | { readonly status: 'refused'; readonly error: GatewayError }
  /** The application went away. */
  | { readonly status: 'left' }

export interface SendOptions {
  /** How long it may wait for its permit, those of all its departures together. */
  readonly waitMs: number
  readonly logger: Logger
  /** Of a call that is sent once more. */
  readonly watch?: ResponseWatch
}

/**
 * Takes a prepared call to its provider and the answer back. The permit is always settled, and the response ended; only where
 * it cannot even be told of its failure, rejects.
 */
export async function sendCall(
  plane: DataPlane,
  prepared: PreparedCall,
  given: CallBody,
  response: ServerResponse,
  { waitMs, logger, watch }: SendOptions,
): Promise<void> {
  const { held, outgoing, plain, complete } = given
  let call = prepared
  let body = outgoing
  let completing = complete
  let permit: Permit | undefined
  let relay: ResponseRelay | undefined
  const refuse = (error: GatewayError): void => {
    permit?.settle(NOTHING_USED)
    refuseCall(plane, call, error, response)
  }
  try {
    // A permit is good for a moment only: what may take longer is there before it.
    if (response.destroyed) return recordUnsent(plane, call, call.inspection.model, { outcome: 'aborted' })
    const current = currentCall(plane, call)
    if ('code' in current) return refuse(current)
    call = current
    const credential = credentialReady(plane, call.connection)
    if (credential !== undefined) await credential
    let leftMs = waitMs
    for (let departures = 1; departures <= MAX_DEPARTURES; departures++) {
      const askedAtMs = plane.clock.elapsedMs()
      const permission = await obtainPermit(plane, call, { maxWaitMs: leftMs, disconnected: () => goneSignal(response) })
      leftMs = Math.max(0, leftMs - (plane.clock.elapsedMs() - askedAtMs))
      if (permission.status === 'left') return
      if (permission.status === 'refused') {
        return writeError(response, permission.error, { ...call, rateLimits: permission.rateLimits })
      }
      let permitted = permission.call
      permit = permitted.permit
      if (completing !== undefined) {
        const completion = await completing(permitted)
        completing = undefined
        if (completion.status === 'refused') return refuse(completion.error)
        if (completion.status === 'left') {
          permit.settle(NOTHING_USED)
          return recordUnsent(plane, call, call.inspection.model, { outcome: 'aborted' })
        }
        permitted = completion.call
        body = () => completion.body
      }
      if (plain !== undefined) permitted = withAdditionDecided(plane, permitted)
      const { addsUsage } = permitted.inspection
      const ready = await readyToSend(plane, permitted, addsUsage ? body : (plain ?? body))
      if ('code' in ready) return refuse(ready)
      call = ready.call
      const watched =
        watch ??
        (plain !== undefined && addsUsage
          ? additionWatch(plane, ready.call, held, plain, (retried, body, retryWatch) => {
              const options = { waitMs: leftMs, logger, watch: retryWatch }
              sendCall(plane, retried, body, response, options).catch((err: unknown) => {
                logger.error({ err, requestId: call.requestId }, 'a request could not be sent again')
                response.destroy()
              })
            })
          : undefined)
      relay = new ResponseRelay(plane, ready.call, response, logger, watched)
      const request = held === undefined ? ready.request : { ...ready.request, released: held.share() }
      if ((await relay.send(request, ready.secrets)) === 'departed') return
      relay = undefined
      plane.permits.countExpired(call.connection.settings.id)
    }
    refuse(neverDeparted(call))
  } catch (error) {
    const answer = faultError(error, call.requestId, logger)
    if (relay === undefined) refuse(answer)
    else relay.giveUp(answer)
  }
}

/** How long a request may wait for its permit: as it says, or as its connection does. Gives what is wrong with what it says. */
export function waitOf({ settings }: UsableConnection, { headers }: IncomingMessage): number | GatewayError {
  return maxWaitMs(headers[MAX_WAIT_HEADER], settings.maxWaitMs) ?? BAD_MAX_WAIT
}

/** The second try usually finds a connection that the first one has made. */
const MAX_DEPARTURES = 5

function neverDeparted({ connection }: Call): GatewayError {
  const { name } = connection.settings
  const message = `Connecting to the provider of connection "${name}" took longer than a permit holds, in each of ${MAX_DEPARTURES} tries.`
  return gatewayError('upstream_timeout', message)
}

const BAD_MAX_WAIT = gatewayError(
  'invalid_request',
  `The header ${MAX_WAIT_HEADER} takes a number of seconds from 0 to ${MAX_WAIT_MS / 1_000}.`,
)
