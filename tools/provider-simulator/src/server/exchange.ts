import type { ServerResponse } from 'node:http'
import type { Account, Accounts } from '../core/accounts.ts'
import type { Clock } from '../core/clock.ts'
import type { Behaviour, Controls } from '../core/controls.ts'
import { OUTPUT_TOKENS_HEADER, readGeneration } from '../core/generation.ts'
import { randomIds } from '../core/ids.ts'
import type { LimitStatuses } from '../core/rate-limiter.ts'
import type { OpenRecord, RequestLog } from '../core/request-log.ts'
import type {
  Answer,
  Failure,
  ProviderRequest,
  ProviderRoute,
  SimulatedProvider,
} from '../providers/simulated-provider.ts'
import { sendAnswer } from './send-answer.ts'

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
export interface Incoming extends Pick<ProviderRequest, 'params' | 'headers' | 'body'> {
  readonly method: string
  /** Without the query. */
  readonly path: string
  readonly route?: ProviderRoute
  /** The body was not read, for it is longer than the server takes. */
  readonly tooLarge?: boolean
}

/** Records a request, decides what the provider says to it, and says it. */
export async function exchange(simulation: Simulation, incoming: Incoming, response: ServerResponse): Promise<void> {
  const { provider, accounts, controls, requests, clock } = simulation
  const arrivedAtMs = clock()
  const apiKey = provider.readApiKey(incoming.headers)
  const account = apiKey === undefined ? undefined : accounts.get(apiKey)
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

  const behaviour = controls.take(apiKey)
  const { answer, limits } = decide(simulation, incoming, { arrivedAtMs, apiKey, account, behaviour, record })
  await sendAnswer(response, answer, {
    behaviour,
    headers() {
      record.status(answer.status)
      return provider.headers({
        processingMs: clock() - arrivedAtMs,
        requestId: randomIds(32),
        ...(account && { account }),
        ...(limits && { limits }),
      })
    },
    onBreakOff() {
      brokenOff = true
    },
  })
}

interface Arrival {
  readonly arrivedAtMs: number
  readonly apiKey: string | undefined
  readonly account: Account | undefined
  readonly behaviour: Behaviour
  readonly record: OpenRecord
}

interface Decision {
  readonly answer: Answer
  /** As they stand once the request is charged; absent where it belongs to no model. */
  readonly limits?: LimitStatuses
}

function decide(simulation: Simulation, incoming: Incoming, arrival: Arrival): Decision {
  const { provider, accounts } = simulation
  const { arrivedAtMs, apiKey, account, behaviour, record } = arrival
  const fail = (failure: Failure): Decision => ({ answer: provider.failure(failure) })

  if (incoming.route === undefined) return fail({ kind: 'unknown-route', method: incoming.method, path: incoming.path })
  if (incoming.tooLarge) return fail({ kind: 'body-too-large' })
  if (apiKey === undefined) return fail({ kind: 'missing-api-key' })
  if (account === undefined) return fail({ kind: 'unknown-api-key', apiKey, echo: behaviour.echoApiKey === true })
  const generation = readGeneration(incoming.headers, behaviour, arrivedAtMs)
  if (generation === undefined) {
    return fail({ kind: 'forced-status', status: 400, message: `${OUTPUT_TOKENS_HEADER} must be a whole number.` })
  }

  const reply = incoming.route.handle({ ...incoming, account, generation })
  const forced = forcedFailure(behaviour)
  if (reply.charge === undefined) return forced === undefined ? { answer: reply.answer() } : fail(forced)

  const { model, tokens } = reply.charge
  record.model(model)
  const limiter = accounts.limiter(account.apiKey, model)
  const limits = () => limiter.statuses(arrivedAtMs)
  if (forced !== undefined) return { ...fail(forced), limits: limits() }
  const admission = limiter.admit(tokens, arrivedAtMs)
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
