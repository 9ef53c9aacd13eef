import type { ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import type { Logger } from '@sluice/service-kit'
import { NOTHING_USED } from '../accounting/settlement.ts'
import { type AdmissionDeps, admitAgain } from '../admission/admit-call.ts'
import { endedByFault, refuse } from '../admission/refuse.ts'
import { estimateCall } from '../estimate/estimate-call.ts'
import { gatewayError } from '../http/gateway-error.ts'
import type { HeldBytes } from '../http/held-bytes.ts'
import type { Permit } from '../permits/permit.ts'
import type { Clock } from '../ports.ts'
import { ABORTED, type Ended, type Result, refused } from '../result.ts'
import type { Call, InspectedCall, PermittedCall, PreparedCall } from './call.ts'
import { obtainPermit, type PermitDeps } from './obtain-permit.ts'
import { type CredentialDeps, credentialReady, readyToSend } from './outgoing-request.ts'
import { type RelayDeps, ResponseRelay } from './response-relay.ts'
import {
  type AdditionDeps,
  additionWatch,
  type ResponseWatch,
  withAdditionDecided,
  withoutAdditionWatch,
} from './usage-addition.ts'

export interface SendDeps extends AdmissionDeps, CredentialDeps, PermitDeps, AdditionDeps, RelayDeps {
  readonly clock: Clock
}

/** What is sent with a call. */
export interface CallBody {
  /** The account of its bytes, where it has any. */
  readonly held?: HeldBytes | undefined
  /** Returns the body; a stream is the same one each time. */
  readonly outgoing: () => Buffer | Readable | null
  /** Returns the body as the application sent it. Absent where the gateway has added nothing to it. */
  readonly plain?: (() => Buffer) | undefined
  /** Adds what is too costly to fetch for a request that gets no permit, such as images. */
  readonly complete?: (call: PermittedCall) => Promise<Result<CompletedCall>>
}

export interface CompletedCall {
  readonly call: PermittedCall
  readonly body: Buffer
}

export interface SendOptions {
  /** How long the request may wait for its permits, all together, in milliseconds. */
  readonly waitMs: number
  readonly logger: Logger
}

/**
 * Takes a call from its checked headers and body to its provider, and the response back. These are the second half of its steps, which native
 * and unified calls share; the first half is in `forward-call.ts` and `translation/unified-call.ts`. Settles every permit and ends the
 * response; rejects only where it cannot even respond with an error.
 */
export async function sendCall(
  deps: SendDeps,
  inspected: InspectedCall,
  { held, outgoing, plain, complete }: CallBody,
  response: ServerResponse,
  { waitMs, logger }: SendOptions,
): Promise<void> {
  let known = inspected
  let permit: Permit | undefined
  let relay: ResponseRelay | undefined
  const end = (ended: Ended): void => {
    permit?.settle(NOTHING_USED)
    refuse(deps, known, ended, response)
  }
  try {
    if (response.destroyed) return end(ABORTED)

    // Credential and signer ready: a permit is good for a moment only, so all that may take longer comes before it.
    const current = admitAgain(deps, inspected)
    if (current.status !== 'ok') return end(current)
    known = current.value
    const credential = credentialReady(deps, known.connection)
    if (credential !== undefined) await credential

    // Estimate.
    let call: PreparedCall = estimateCall(current.value)
    known = call

    let body = outgoing
    let asSent = plain
    let completing = complete
    let resending: Buffer | undefined
    let leftMs = waitMs
    for (let departures = 1; departures <= MAX_DEPARTURES; departures++) {
      // Permit.
      const askedAtMs = deps.clock.elapsedMs()
      const permission = await obtainPermit(deps, call, {
        maxWaitMs: leftMs,
        disconnected: () => disconnectSignal(response),
      })
      leftMs = Math.max(0, leftMs - (deps.clock.elapsedMs() - askedAtMs))
      if (permission.status !== 'ok') return end(permission)
      let permitted = permission.value
      permit = permitted.permit

      // Send.
      if (completing !== undefined) {
        const completed = await completing(permitted)
        completing = undefined
        if (completed.status !== 'ok') return end(completed)
        permitted = completed.value.call
        body = () => completed.value.body
      }
      if (asSent !== undefined) permitted = withAdditionDecided(deps, permitted)
      const { addsUsage } = permitted.inspection
      const ready = await readyToSend(deps, permitted, addsUsage ? body : (asSent ?? body))
      if (ready.status !== 'ok') return end(ready)
      const { request, secrets } = ready.value
      const sent = ready.value.call
      call = sent
      known = sent

      // Relay; settle and record.
      relay = new ResponseRelay(deps, sent, response, logger, watchOf(deps, sent, asSent, resending))
      const outcome = await relay.send(held === undefined ? request : { ...request, released: held.share() }, secrets)
      if (outcome === 'relayed') return
      relay = undefined
      if (outcome === 'too-late') {
        deps.permits.countExpired(call.connection.settings.id)
      } else if (asSent !== undefined) {
        // The provider refused the addition: send the request once more as the application sent it, under a permit of its own.
        const unchanged = asSent()
        resending = unchanged
        body = () => unchanged
        asSent = undefined
        departures = 0
        call = { ...call, inspection: { ...call.inspection, addsUsage: false } }
      }
    }
    end(neverDeparted(known))
  } catch (error) {
    const ended = endedByFault(error, known.requestId, logger)
    if (relay === undefined || ended.status === 'aborted') end(ended)
    else relay.giveUp(ended.error)
  }
}

/** Returns the watch over the response to a request with the gateway's addition, or to one that is sent again without it. */
function watchOf(
  deps: AdditionDeps,
  call: InspectedCall,
  asSent: CallBody['plain'],
  resending: Buffer | undefined,
): ResponseWatch | undefined {
  if (resending !== undefined) return withoutAdditionWatch(deps, call, resending)
  return asSent !== undefined && call.inspection.addsUsage ? additionWatch(deps, call) : undefined
}

/** Returns a signal that is aborted when the client disconnects before its response has ended. */
export function disconnectSignal(response: ServerResponse): AbortSignal {
  const controller = new AbortController()
  if (response.destroyed) controller.abort()
  else response.once('close', () => controller.abort())
  return controller.signal
}

/** The second attempt usually finds a connection that the first one has made. */
const MAX_DEPARTURES = 5

function neverDeparted({ connection }: Call): Ended {
  const { name } = connection.settings
  const message = `Connecting to the provider of connection "${name}" took longer than a permit holds, in each of ${MAX_DEPARTURES} tries.`
  return refused(gatewayError('upstream_timeout', message))
}
