import type { ServerResponse } from 'node:http'
import type { Accounts } from '../core/accounts.ts'
import type { Clock } from '../core/clock.ts'
import type { Behavior, Controls } from '../core/controls.ts'
import { type Ids, OUTPUT_TOKENS_HEADER, readGeneration, readIds } from '../core/generation.ts'
import type { LimitStatuses } from '../core/rate-limiter.ts'
import type { OpenRecord, RequestLog } from '../core/request-log.ts'
import type { ProviderResponse } from '../core/responses.ts'
import type {
  Caller,
  Failure,
  ProviderRequest,
  ProviderRoute,
  ReceivedRequest,
  SimulatedProvider,
} from '../core/simulated-provider.ts'
import { sendResponse } from './send-response.ts'

/** Everything that the requests to one simulator share. */
export interface Simulation {
  readonly provider: SimulatedProvider
  readonly accounts: Accounts
  readonly controls: Controls
  readonly requests: RequestLog
  readonly clock: Clock
  readonly recordContent: boolean
}

/** A request as the HTTP server hands it over; without `route` if the provider has no such path. */
export interface IncomingRequest extends Omit<ReceivedRequest, 'arrivedAtMs' | 'requestId'> {
  readonly params: ProviderRequest['params']
  readonly route?: ProviderRoute
  /** The body exceeds the server's limit and was not read. */
  readonly tooLarge?: boolean
}

/** Records a request, decides on the response, and sends it. */
export async function handleRequest(
  simulation: Simulation,
  incoming: IncomingRequest,
  connection: ServerResponse,
): Promise<void> {
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
  connection.once('close', () => {
    if (connection.writableFinished) record.end('completed')
    else record.end(brokenOff ? 'broken-off' : 'client-disconnected')
  })

  const behavior = controls.take(apiKeyOf(caller), incoming.path)
  const { response, limits } = decide(simulation, received, { ids, caller, behavior, record })
  await sendResponse(connection, response, {
    behavior,
    headers() {
      record.status(response.status)
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
  readonly behavior: Behavior
  readonly record: OpenRecord
}

interface Decision {
  readonly response: ProviderResponse
  /** After the charge; absent if the response belongs to no model. */
  readonly limits?: LimitStatuses
}

function decide(
  { provider, accounts }: Simulation,
  received: IncomingRequest & ReceivedRequest,
  { ids, caller, behavior, record }: Circumstances,
): Decision {
  const { route, method, path, arrivedAtMs } = received
  const fail = (failure: Failure): Decision => ({ response: provider.failure(failure, received.requestId) })

  if (route === undefined) return fail({ kind: 'unknown-route', method, path })
  if (received.tooLarge) return fail({ kind: 'body-too-large' })
  if (caller.status === 'refused') return { response: caller.response }
  if (caller.status === 'missing-api-key') return fail({ kind: 'missing-api-key' })
  if (caller.status === 'unknown-api-key') {
    return fail({ kind: 'unknown-api-key', apiKey: caller.apiKey, echo: behavior.echoApiKey === true })
  }
  const generation = readGeneration(received.headers, behavior, ids, arrivedAtMs)
  if (generation === undefined) {
    return fail({ kind: 'forced-status', status: 400, message: `${OUTPUT_TOKENS_HEADER} must be a whole number.` })
  }

  const { account } = caller
  const result = route.handle({ ...received, account, generation })
  const forced = forcedFailure(behavior)
  if (result.charge === undefined) return forced === undefined ? { response: result.respond() } : fail(forced)

  const { model } = result.charge
  record.model(model)
  const limiter = accounts.limiter(account.apiKey, model)
  const limits = () => limiter.statuses(arrivedAtMs)
  if (forced !== undefined) return { ...fail(forced), limits: limits() }
  const admission = limiter.admit(result.charge, arrivedAtMs)
  if (admission.status === 'admitted') return { response: result.respond(), limits: limits() }
  return { ...fail({ kind: 'rate-limited', account, model, denial: admission.denial }), limits: limits() }
}

function forcedFailure({ fault }: Behavior): Failure | undefined {
  switch (fault?.kind) {
    case 'status':
      return { ...fault, kind: 'forced-status' }
    case 'rate-limit':
      return { ...fault, kind: 'forced-rate-limit' }
    default:
      return undefined
  }
}
