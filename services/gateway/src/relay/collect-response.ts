import type { SecretRedactor } from '@sluice/egress'
import type { FinishDeps } from '../accounting/finish-call.ts'
import { NOTHING_USED } from '../accounting/settlement.ts'
import type { ResponseSink, Upstream, UpstreamCall, UpstreamRequest } from '../upstream/upstream.ts'
import type { PermittedCall } from './call.ts'
import { ResponseRecorder } from './response-recorder.ts'

export interface CollectDeps extends FinishDeps {
  readonly upstream: Upstream
}

export interface CollectOptions {
  readonly redaction: SecretRedactor
  readonly deadlineMs: number
  /** Undefined if no credential is stored. */
  readonly credentialVersion?: number | undefined
}

export interface CollectedResponse {
  readonly status: number
  readonly body: Buffer
}

/**
 * Sends a request of the gateway's own, and resolves with the whole response: undefined if there is none within the deadline, or it is longer
 * than {@link MAX_RESPONSE_BYTES}. Finishes the call in any case, and redacts what it returns and records. `too-late`: the permit was
 * too old by the time the request could leave, and went back; make the call again.
 */
export function collectResponse(
  deps: CollectDeps,
  call: PermittedCall,
  request: UpstreamRequest,
  { redaction, deadlineMs, credentialVersion }: CollectOptions,
): Promise<CollectedResponse | 'too-late' | undefined> {
  return new Promise((resolve, reject) => {
    const recorder = new ResponseRecorder(deps, call)
    const pieces: Buffer[] = []
    let bytes = 0
    let upstream: UpstreamCall | undefined

    const complete = (interruptedBy: 'provider' | 'timeout' | undefined): void => {
      const sent = upstream?.sent ?? false
      const status = recorder.head?.status
      const body = readBody(sent, status)
      recorder
        .finish({ requestId: call.requestId, sent, interruptedBy, upstreamMs: recorder.sinceSentMs() })
        ?.catch(reject)
      resolve(interruptedBy === undefined && status !== undefined ? { status, body } : undefined)
    }
    const readBody = (sent: boolean, status: number | undefined): Buffer => {
      try {
        const whole = Buffer.concat(pieces)
        if (status === undefined || status < 400) return redaction.body(whole)
        const error = redaction.error(whole)
        recorder.failed(error)
        return error
      } catch (error) {
        return recorder.abandon({ sent }, error)
      }
    }
    /** Rejects what cannot be read: thrown in an event of a connection or a timer, it would end the process. */
    const finish = (interruptedBy: 'provider' | 'timeout' | undefined): void => {
      clearTimeout(deadline)
      try {
        complete(interruptedBy)
      } catch (error) {
        reject(error)
      }
    }
    const giveUp = (interruptedBy: 'provider' | 'timeout'): void => {
      upstream?.abort()
      finish(interruptedBy)
    }
    const deadline = setTimeout(() => giveUp('timeout'), deadlineMs)

    const sink: ResponseSink = {
      departed: () => undefined,
      start: (status, statusMessage, headers) => {
        if (status < 300) call.permit.markServed()
        const receivedAtMs = deps.clock.nowMs()
        recorder.began({ status, statusMessage, headers: redaction.headers(headers), receivedAtMs })
      },
      data: (chunk) => {
        bytes += chunk.length
        if (bytes > MAX_RESPONSE_BYTES) giveUp('provider')
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
    recorder.sending(credentialVersion)
    upstream = deps.upstream.send(request, sink, call.permit.departByMs)
  })
}

const MAX_RESPONSE_BYTES = 8 * 1024 * 1024
