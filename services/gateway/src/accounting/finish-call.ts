import type { RateLimitReading, ResponseEvent, TokenUsage } from '@sluice/contracts'
import type { BackgroundReading, PartialUsage, WireHeaders } from '@sluice/providers'
import type { RefuseDeps } from '../admission/refuse.ts'
import { MAX_TOKENS } from '../estimate/estimate-cost.ts'
import type { PermittedCall } from '../relay/call.ts'
import { isCredentialRejection } from '../upstream/credential-rejection.ts'
import type { CredentialReports } from '../upstream/credential-reports.ts'
import { type AdditionalUsage, withAdditionalUsage } from './background-charge.ts'
import type { BackgroundResponses } from './background-response-store.ts'
import {
  type CallEnd,
  chargedOutput,
  chargedUsage,
  coolDownOf,
  isUnread,
  limitedCost,
  outcomeOf,
  type RateLimited,
  settledCost,
  settledTokens,
  wholeUsage,
} from './settlement.ts'

/** The result of a call that had its permit. */
export interface CallResult {
  /** The ID that the application got with the response. */
  readonly requestId: string
  readonly sent: boolean
  readonly interruptedBy: CallEnd['interruptedBy']
  /** The provider's status and headers, and when they came, Unix milliseconds. */
  readonly status: number | undefined
  readonly headers: WireHeaders | undefined
  readonly headersAtMs: number | undefined
  /** The version of the credential that was sent; undefined if none is stored. */
  readonly credentialVersion: number | undefined
  /** The body of a 4xx or 5xx response, decompressed: some providers say there how long to wait. */
  readonly errorBody: Buffer | undefined
  /** The status of an error inside a 2xx response. */
  readonly errorStatus: number | undefined
  readonly timeToFirstByteMs: number | undefined
  readonly upstreamMs: number | undefined
  readonly usage: TokenUsage | undefined
  /** The reported part of the usage, if it is not all. */
  readonly partialUsage: PartialUsage | undefined
  /** Whether responses to the operation report their usage. */
  readonly reportsUsage: boolean
  /** Whether the usage includes input that the request did not hold. */
  readonly providerAddedInput: boolean
  readonly outputTokensSeen: number
  /** The background response that the response is about. */
  readonly background: BackgroundReading | undefined
}

export interface FinishDeps extends RefuseDeps {
  readonly credentialReports: CredentialReports
  readonly backgroundResponses: BackgroundResponses
}

/**
 * Finishes a call that had its permit: settles the permit, learns from the response, and records the event.
 * @param additional usage of a background response, as this response reports it, that is not charged and recorded yet
 */
export function finishCall(
  deps: FinishDeps,
  call: PermittedCall,
  result: CallResult,
  additional?: AdditionalUsage,
): void {
  const finished = finishedCall(call, result)
  reportCredential(deps, call, result, finished.end)
  settle(call, result, finished, additional)
  if (finished.isUnderWay) rememberBackground(deps, call, result, finished)
  learn(call, result, finished.usage)
  record(deps, call, result, finished, additional)
}

/** The end of a call, for its permit and its event. */
interface FinishedCall {
  readonly end: CallEnd
  readonly usage: TokenUsage | undefined
  /** The response did not report all of its usage in a way that is understood. */
  readonly isUnread: boolean
  /** The provider goes on with the response in the background. */
  readonly isUnderWay: boolean
}

function finishedCall(call: PermittedCall, result: CallResult): FinishedCall {
  const { adapter } = call.connection
  const { status, headers = {}, headersAtMs = 0, errorStatus, errorBody, interruptedBy, outputTokensSeen } = result
  const { estimate } = call
  const isCredentialRejected =
    status !== undefined && errorBody !== undefined && isCredentialRejection(call, { status, headers, body: errorBody })
  const unread = isUnread(result, estimate)
  const isUnderWay = goesOnInBackground(call, result)
  const usage = chargedUsage(result, estimate, isUnderWay)
  const end: CallEnd = {
    sent: result.sent,
    ...(status === undefined ? {} : { status }),
    ...(interruptedBy === undefined ? {} : { interruptedBy }),
    errorStatus,
    isCredentialRejected,
    usage,
    outputTokensSeen: unread || isUnderWay ? chargedOutput(outputTokensSeen, estimate) : outputTokensSeen,
    retryAfterMs: (errorStatus ?? status) === 429 ? adapter.retryAfterMs(headers, headersAtMs, errorBody) : undefined,
  }
  return { end, usage, isUnread: unread, isUnderWay }
}

/** Returns whether the provider goes on with a response though this one has ended, so that what was reserved may yet be used. */
function goesOnInBackground({ inspection }: PermittedCall, result: CallResult): boolean {
  if (inspection.inBackground !== true) return false
  const { sent, status, errorStatus } = result
  const hasBegun = sent && status !== undefined && status < 300 && errorStatus === undefined
  return hasBegun && wholeUsage(result) === undefined
}

function reportCredential(
  { credentialReports }: FinishDeps,
  call: PermittedCall,
  result: CallResult,
  { isCredentialRejected }: CallEnd,
): void {
  const { settings } = call.connection
  const { status, credentialVersion } = result
  if (isCredentialRejected && status !== undefined) credentialReports.rejected(settings, credentialVersion, status)
  else if (credentialVersion !== undefined && showsAcceptance(call, result)) {
    credentialReports.accepted(settings, credentialVersion)
  }
}

/**
 * Returns whether a response shows that the provider takes the credential: one for which a model ran. Some servers return lists of models, and
 * respond to paths that are unknown here, without a credential.
 */
function showsAcceptance(
  { operation }: PermittedCall,
  { status, errorStatus }: Pick<CallResult, 'status' | 'errorStatus'>,
): boolean {
  if (!operation.usesModel || operation.unlisted === true || status === undefined) return false
  return status < 300 && errorStatus === undefined
}

function settle(
  call: PermittedCall,
  result: CallResult,
  { end }: FinishedCall,
  additional: AdditionalUsage | undefined,
): void {
  const coolDown = coolDownOf(end, rateLimitedRequest(call, result))
  call.permit.settle(
    withAdditionalUsage(settledCost(end, call), additional, call.connection),
    coolDown,
    limitedCost(end, call),
  )
}

/** Returns the request for which {@link coolDownOf} decides, in case its response is a 429. */
function rateLimitedRequest(
  { connection, inspection, pool, estimate }: PermittedCall,
  result: CallResult,
): RateLimited {
  const { adapter } = connection
  const { headers = {}, headersAtMs = 0, errorBody } = result
  const isUsedUp = ({ remaining }: RateLimitReading) => remaining === 0
  // A body names the quotas that were exceeded.
  const countsRequests = ({ dimension }: RateLimitReading) => dimension.startsWith('requests')
  const nothingRemains = () =>
    adapter.rateLimits(headers, headersAtMs).some(isUsedUp) ||
    (errorBody !== undefined && adapter.rateLimitsInError(errorBody).some(countsRequests))
  return { model: inspection.model, pool, tokens: estimate.tokens, nothingRemains }
}

/** Keeps what was charged for a response that goes on in the background, until its usage is reported. */
function rememberBackground(
  { backgroundResponses }: FinishDeps,
  call: PermittedCall,
  { background }: CallResult,
  { end, usage }: FinishedCall,
): void {
  if (background === undefined) return
  const { inputTokens, outputTokens } = settledTokens(end, call.estimate)
  backgroundResponses.remember(call.connection.settings.id, background.id, {
    model: call.inspection.model,
    ...(call.pool === '' ? {} : { pool: call.pool }),
    charged: { tokens: Math.min(MAX_TOKENS, inputTokens + outputTokens), inputTokens, outputTokens },
    ...(usage === undefined ? {} : { recorded: usage }),
  })
}

/** Learns from the usage how the model's next requests are estimated. */
function learn(call: PermittedCall, result: CallResult, usage: TokenUsage | undefined): void {
  // A request of an unknown operation may not be like the model's other requests.
  const isReported = result.usage !== undefined || result.partialUsage?.inputTokens !== undefined
  if (usage === undefined || !isReported || call.operation.unlisted) return
  const { inspection, connection } = call
  const { providerAddedInput } = result
  const isWhole = result.interruptedBy === undefined && result.errorStatus === undefined
  const learnedFrom = providerAddedInput ? { ...inspection, providerAddsInput: true } : inspection
  // An unknown output teaches nothing; the prompt does.
  connection.learned.learn(learnedFrom, usage, isWhole && result.usage !== undefined)
  // What a provider reads again in a loop of its own it caches too, which says nothing about the next prompt.
  if (!providerAddedInput) connection.cachedShares.learn(inspection.model, usage)
}

function record(
  { events, clock }: FinishDeps,
  call: PermittedCall,
  result: CallResult,
  { end, usage, isUnread: unread }: FinishedCall,
  additional: AdditionalUsage | undefined,
): void {
  const { settings } = call.connection
  const event: ResponseEvent = {
    requestId: result.requestId,
    startedAtMs: call.startedAtMs,
    endedAtMs: clock.nowMs(),
    apiKeyId: call.apiKey.id,
    model: additional?.model ?? call.inspection.model,
    outcome: outcomeOf(end),
  }
  const pool = additional?.pool ?? call.pool
  if (pool !== '') event.pool = pool
  if (result.timeToFirstByteMs !== undefined) event.timeToFirstByteMs = result.timeToFirstByteMs
  if (result.upstreamMs !== undefined) event.upstreamMs = result.upstreamMs
  const recorded = additional?.usage ?? usage
  if (recorded !== undefined) event.usage = recorded
  if (unread) event.unreadUsage = true
  addResponse(event, call, result)
  events.record(settings.id, settings.provider, event)
}

/** Adds the provider's status and what its response reports about rate limits. */
function addResponse(event: ResponseEvent, { connection: { adapter } }: PermittedCall, result: CallResult): void {
  const { status, headers = {}, headersAtMs = 0, errorBody } = result
  if (status === undefined) return
  event.upstreamStatus = status
  const rateLimitHeaders = adapter.rateLimitHeaders(headers)
  if (rateLimitHeaders !== undefined) {
    event.rateLimitHeaders = rateLimitHeaders
    event.headersAtMs = headersAtMs
  }
  const rateLimits = status === 429 && errorBody ? adapter.rateLimitsInError(errorBody) : []
  if (rateLimits.length > 0) {
    event.rateLimits = rateLimits
    event.headersAtMs = headersAtMs
  }
}
