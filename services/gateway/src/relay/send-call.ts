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
import { ABORTED, type Ended, ok, type Result, refused } from '../result.ts'
import type { Call, InspectedCall, PermittedCall, PreparedCall } from './call.ts'
import type { AttemptDeps } from './call-attempt.ts'
import { obtainPermit, type PermitDeps } from './obtain-permit.ts'
import { type CredentialDeps, credentialReady, readyToSend } from './outgoing-request.ts'
import { ResponseRelay } from './response-relay.ts'
import {
  type AdditionDeps,
  additionWatch,
  type ResponseWatch,
  withAdditionDecided,
  withoutAdditionWatch,
} from './usage-addition.ts'

export interface SendDeps extends AdmissionDeps, CredentialDeps, PermitDeps, AdditionDeps, AttemptDeps {
  readonly clock: Clock
}

/** The body of a call. */
export interface CallBody {
  /** The account of its bytes, if it has any. */
  readonly held?: HeldBytes | undefined
  /** Returns the body; a stream is the same one each time. */
  readonly outgoing: () => Buffer | Readable | null
  /** Returns the body as the application sent it. Absent where the gateway has added nothing to it. */
  readonly plain?: (() => Buffer) | undefined
  /** Adds what is too costly to fetch for a request that gets no permit, such as images. */
  readonly complete?: ((call: PermittedCall) => Promise<Result<CompletedCall>>) | undefined
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
 * and unified calls share; the first half is in `forward-call.ts` and `translation/forward-unified-call.ts`. Settles every permit and ends the
 * response; rejects only where it cannot even respond with an error.
 */
export async function sendCall(
  deps: SendDeps,
  inspected: InspectedCall,
  body: CallBody,
  response: ServerResponse,
  { waitMs, logger }: SendOptions,
): Promise<void> {
  const progress: Progress = { call: inspected, permit: undefined, relay: undefined }
  const end = (ended: Ended): void => {
    progress.permit?.settle(NOTHING_USED)
    refuse(deps, progress.call, ended, response)
  }
  try {
    const prepared = await prepare(deps, progress, inspected, response)
    if (prepared.status !== 'ok') return end(prepared)

    let sending: Sending = { call: prepared.value, body, leftMs: waitMs }
    for (let departures = 1; departures <= MAX_DEPARTURES; departures++) {
      // Permit.
      const { permission, leftMs } = await waitForPermit(deps, sending, response)
      if (permission.status !== 'ok') return end(permission)
      progress.permit = permission.value.permit

      // Request.
      const whole = await completeBody(permission.value, sending.body)
      if (whole.status !== 'ok') return end(whole)
      const decided = decideAddition(deps, whole.value)
      const ready = await readyToSend(deps, decided.call, decided.outgoing)
      if (ready.status !== 'ok') return end(ready)
      const { request, secrets, call } = ready.value
      progress.call = call
      sending = { ...sending, call, body: whole.value.body, leftMs }

      // Response; settle and record.
      progress.relay = new ResponseRelay(deps, call, response, logger, watchOf(deps, sending))
      const { held } = body
      const outcome = await progress.relay.send(held ? { ...request, released: held.share() } : request, secrets)
      if (outcome === 'relayed') return

      // Once more.
      progress.relay = undefined
      if (outcome === 'too-late') {
        deps.permits.countExpired(call.connection.settings.id)
      } else {
        sending = withoutAddition(sending)
        departures = 0
      }
    }
    end(neverDeparted(progress.call))
  } catch (error) {
    const ended = endedByFault(error, progress.call.requestId, logger)
    if (progress.relay === undefined || ended.status === 'aborted') end(ended)
    else progress.relay.giveUp(ended.error)
  }
}

/** The parts of a call that have to be ended if it fails now. */
interface Progress {
  call: InspectedCall
  permit: Permit | undefined
  relay: ResponseRelay | undefined
}

/** The parts of the next departure. */
interface Sending {
  readonly call: PreparedCall
  readonly body: CallBody
  /** The body as the application sent it, if the provider refused it with the gateway's addition. */
  readonly resent?: Buffer
  /** How long the request may still wait for permits, in milliseconds. */
  readonly leftMs: number
}

/**
 * Gets ready what may take long, and then estimates: a permit is good for a moment only, so the credential, or the signing session, is there
 * before it is acquired.
 */
async function prepare(
  deps: SendDeps,
  progress: Progress,
  inspected: InspectedCall,
  response: ServerResponse,
): Promise<Result<PreparedCall>> {
  if (response.destroyed) return ABORTED
  const current = admitAgain(deps, inspected)
  if (current.status !== 'ok') return current
  progress.call = current.value
  const credential = credentialReady(deps, current.value.connection)
  if (credential !== undefined) await credential
  const call = estimateCall(current.value)
  progress.call = call
  return ok(call)
}

async function waitForPermit(
  deps: SendDeps,
  { call, leftMs }: Sending,
  response: ServerResponse,
): Promise<{ readonly permission: Result<PermittedCall>; readonly leftMs: number }> {
  const startedAtMs = deps.clock.elapsedMs()
  const permission = await obtainPermit(deps, call, {
    maxWaitMs: leftMs,
    disconnected: () => disconnectSignal(response),
  })
  return { permission, leftMs: Math.max(0, leftMs - (deps.clock.elapsedMs() - startedAtMs)) }
}

/** A call that has its permit, with all that it sends. */
interface WholeCall {
  readonly call: PermittedCall
  readonly body: CallBody
}

/** Adds to the body what was too costly to fetch before the call had its permit. */
async function completeBody(call: PermittedCall, body: CallBody): Promise<Result<WholeCall>> {
  if (body.complete === undefined) return ok({ call, body })
  const completed = await body.complete(call)
  if (completed.status !== 'ok') return completed
  const { call: whole, body: outgoing } = completed.value
  return ok({ call: whole, body: { ...body, outgoing: () => outgoing, complete: undefined } })
}

/** Decides whether the request goes with the gateway's addition to its body, if it has one. */
function decideAddition(
  deps: AdditionDeps,
  { call: given, body: { plain, outgoing } }: WholeCall,
): { readonly call: PermittedCall; readonly outgoing: CallBody['outgoing'] } {
  if (plain === undefined) return { call: given, outgoing }
  const call = withAdditionDecided(deps, given)
  return { call, outgoing: call.inspection.addsUsage ? outgoing : plain }
}

/** Returns the watch over the response to a request with the gateway's addition, or to one that is sent again without it. */
function watchOf(deps: AdditionDeps, { call, body, resent }: Sending): ResponseWatch | undefined {
  if (resent !== undefined) return withoutAdditionWatch(deps, call, resent)
  return body.plain !== undefined && call.inspection.addsUsage ? additionWatch(deps, call) : undefined
}

/** The provider refused the addition: the request is sent once more as the application sent it, under a permit of its own. */
function withoutAddition({ call, body, leftMs }: Sending): Sending {
  if (body.plain === undefined) throw new Error('a request without an addition was refused for it')
  const resent = body.plain()
  return {
    call: { ...call, inspection: { ...call.inspection, addsUsage: false } },
    body: { ...body, outgoing: () => resent, plain: undefined },
    resent,
    leftMs,
  }
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
