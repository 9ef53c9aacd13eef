import type { ServerResponse } from 'node:http'
import type { Accounts } from '../core/accounts.ts'
import type { Clock } from '../core/clock.ts'
import type { Behaviour, Controls } from '../core/controls.ts'
import { OUTPUT_TOKENS_HEADER, readGeneration, readIds } from '../core/generation.ts'
import type { Ids } from '../core/ids.ts'
import type { LimitStatuses } from '../core/rate-limiter.ts'
import type { OpenRecord, RequestLog } from '../core/request-log.ts'
import type {
  Answer,
  Caller,
  Failure,
  ProviderRequest,
  ProviderRoute,
  ReceivedRequest,
  SimulatedProvider,
} from '../providers/simulated-provider.ts'
import { sendResponse } from './send-answer.ts'

/** What the exchanges of one simulator share. */
export interface Simulation {
  readonly provider: SimulatedProvider
  readonly accounts: Accounts
  readonly controls: Controls
  readonly requests: RequestLog
  readonly clock: Clock
  readonly recordContent: boolean
}

/** A request as the server hands it over; `route` is absent if the provider has no such path. */
export interface Incoming extends Omit<ReceivedRequest, 'arrivedAtMs' | 'requestId'> {
  readonly params: ProviderRequest['params']
  readonly route?: ProviderRoute
  /** The body was not read, for it is longer than the server takes. */
  readonly tooLarge?: boolean
}

/** Records a request, decides what the provider says to it, and says it. */
export async function exchange(simulation: Simulation, incoming: Incoming, response: ServerResponse): Promise<void> {
  const { provider, accounts, controls, requests, clock } = simulation
  const arrivedAtMs = clock()
  const ids = readIds(incoming.headers)
  const requestId = ids(32)
  const received = { ...incoming, arrivedAtMs, requestId }
  const caller = await provider.identify(received, accounts)
  const account = caller.status === 'known' ? caller.account : undefined
  const record = requests.open({
    arrivedAtMs,
    method: incoming.method,
    path: incoming.path,
    ...(account && { apiKey: account.apiKey }),
    ...(simulation.recordContent && { content: { headers: incoming.headers, body: incoming.body } }),
  })
  let brokenOff = false
  response.once('close', () => {
    if (response.writableFinished) record.end('answered')
    else record.end(brokenOff ? 'broken-off' : 'client-gone')
  })

  const behaviour = controls.take(apiKeyOf(caller), incoming.path)
  const { answer, limits } = decide(simulation, received, { ids, caller, behaviour, record })
  await sendResponse(response, answer, {
    behaviour,
    headers() {
      record.status(answer.status)
      return provider.headers({
        arrivedAtMs,
        processingMs: clock() - arrivedAtMs,
        requestId,
        ...(account && { account }),
        ...(limits && { limits }),
      })
    },
    onBreakOff() {
      brokenOff = true
    },
  })
}

function apiKeyOf(caller: Caller): string | undefined {
  switch (caller.status) {
    case 'known':
      return caller.account.apiKey
    case 'unknown-api-key':
      return caller.apiKey
    default:
      return undefined
  }
}

interface Circumstances {
  readonly ids: Ids
  readonly caller: Caller
  readonly behaviour: Behaviour
  readonly record: OpenRecord
}

interface Decision {
  readonly answer: Answer
  /** As they stand once the request is charged; absent where it belongs to no model. */
  readonly limits?: LimitStatuses
}

function decide(
  { provider, accounts }: Simulation,
  received: Incoming & ReceivedRequest,
  { ids, caller, behaviour, record }: Circumstances,
): Decision {
  const { route, method, path, arrivedAtMs } = received
  const responseFailure = route?.failure ?? provider.failure
  const fail = (failure: Failure): Decision => ({ answer: responseFailure(failure, received.requestId) })

  if (route === undefined) return fail({ kind: 'unknown-route', method, path })
  if (received.tooLarge) return fail({ kind: 'body-too-large' })
  if (caller.status === 'refused') return { answer: caller.answer }
  if (caller.status === 'missing-api-key') return fail({ kind: 'missing-api-key' })
  if (caller.status === 'unknown-api-key') {
    return fail({ kind: 'unknown-api-key', apiKey: caller.apiKey, echo: behaviour.echoApiKey === true })
  }
  const generation = readGeneration(received.headers, behaviour, ids, arrivedAtMs)
  if (generation === undefined) {
    return fail({ kind: 'forced-status', status: 400, message: `${OUTPUT_TOKENS_HEADER} must be a whole number.` })
  }

  const { account } = caller
  const reply = route.handle({ ...received, account, generation })
  const forced = forcedFailure(behaviour)
  if (reply.charge === undefined) return forced === undefined ? { answer: reply.answer() } : fail(forced)

  const { model } = reply.charge
  record.model(model)
  const limiter = accounts.limiter(account.apiKey, model)
  const limits = () => limiter.statuses(arrivedAtMs)
  if (forced !== undefined) return { ...fail(forced), limits: limits() }
  const admission = limiter.admit(reply.charge, arrivedAtMs)
  if (admission.status === 'admitted') return { answer: reply.answer(), limits: limits() }
  return { ...fail({ kind: 'rate-limited', account, model, denial: admission.denial }), limits: limits() }
}

function forcedFailure({ fault }: Behaviour): Failure | undefined {
  switch (fault?.kind) {
    case 'status':
      return { ...fault, kind: 'forced-status' }
    case 'rate-limit':
      return { ...fault, kind: 'forced-rate-limit' }
    default:
      return undefined
  }
}
