import type { SecretRedactor } from '@sluice/egress'
import type { WireHeaders } from '@sluice/providers'
import { NOTHING_USED, settledCost } from '../accounting/settlement.ts'
import type { DataPlane } from '../data-plane.ts'
import type { ResponseSink, UpstreamCall, UpstreamRequest } from '../upstream/upstream.ts'
import type { PermittedCall } from './call.ts'
import { finishCall } from './finish-call.ts'

export interface CollectedResponse {
  readonly status: number
  readonly body: Buffer
}

/**
 * Sends a request of the gateway's own and gives the answer when it is whole, or undefined where there is none within `deadlineMs`,
 * or it is longer than {@link MAX_ANSWER_BYTES}. The call is finished in any case. Nothing that is given or recorded holds a secret of `redaction`.
 * `too-late`: the permit was too old by the time the request could leave, and went back; the call is to be made again.
 */
export function collectResponse(
  plane: DataPlane,
  call: PermittedCall,
  request: UpstreamRequest,
  redaction: SecretRedactor,
  deadlineMs: number,
  credentialVersion?: number,
): Promise<CollectedResponse | 'too-late' | undefined> {
  return new Promise((resolve, reject) => {
    const sentAtMs = plane.clock.elapsedMs()
    const pieces: Buffer[] = []
    let bytes = 0
    let status: number | undefined
    let headers: WireHeaders | undefined
    let headersAtMs: number | undefined
    let timeToFirstByteMs: number | undefined
    let upstream: UpstreamCall | undefined

    /** What cannot be read rejects: thrown in an event of a connection or a timer, it would end the process. */
    const finish = (interruptedBy: 'provider' | 'timeout' | undefined): void => {
      clearTimeout(deadline)
      try {
        complete(interruptedBy)
      } catch (error) {
        call.permit.settle(settledCost({ sent: upstream?.sent ?? false, outputTokensSeen: 0 }, call))
        reject(error)
      }
    }
    const complete = (interruptedBy: 'provider' | 'timeout' | undefined): void => {
      const isError = status !== undefined && status >= 400
      const whole = Buffer.concat(pieces)
      const body = isError ? redaction.error(whole) : redaction.body(whole)
      finishCall(plane, call, {
        requestId: call.requestId,
        sent: upstream?.sent ?? false,
        interruptedBy,
        status,
        headers,
        headersAtMs,
        credentialVersion,
        errorStatus: undefined,
        errorBody: isError ? body : undefined,
        timeToFirstByteMs,
        upstreamMs: plane.clock.elapsedMs() - sentAtMs,
        usage: undefined,
        partialUsage: undefined,
        reportsUsage: false,
        providerAddedInput: false,
        outputTokensSeen: 0,
        background: undefined,
      })
      resolve(interruptedBy === undefined && status !== undefined ? { status, body } : undefined)
    }
    const giveUp = (interruptedBy: 'provider' | 'timeout'): void => {
      upstream?.abort()
      finish(interruptedBy)
    }
    const deadline = setTimeout(() => giveUp('timeout'), deadlineMs)

    const sink: ResponseSink = {
      departed: () => undefined,
      start: (answered, _statusMessage, fields) => {
        status = answered
        if (status < 300) call.permit.markServed()
        headers = redaction.headers(fields)
        headersAtMs = plane.clock.nowMs()
        timeToFirstByteMs = plane.clock.elapsedMs() - sentAtMs
      },
      data: (chunk) => {
        bytes += chunk.length
        if (bytes > MAX_ANSWER_BYTES) giveUp('provider')
        else pieces.push(chunk)
        return true
      },
      end: () => finish(undefined),
      fault: ({ reason }) => {
        if (reason !== 'too-late') return finish(reason === 'timeout' ? 'timeout' : 'provider')
        clearTimeout(deadline)
        call.permit.settle(NOTHING_USED)
        resolve('too-late')
      },
    }
    upstream = plane.upstream.send(request, sink, call.permit.departByMs)
  })
}

export const MAX_ANSWER_BYTES = 8 * 1024 * 1024
