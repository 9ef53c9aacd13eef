import type { RateLimitReading, ResponseEvent, TokenUsage } from '@sluice/contracts'
import type { BackgroundReading, PartialUsage, WireHeaders } from '@sluice/providers'
import { type AdditionalUsage, withAdditionalUsage } from '../accounting/background-charge.ts'
import {
  type CallEnd,
  chargedOutput,
  chargedUsage,
  coolDownOf,
  isUnread,
  limitedCost,
  outcomeOf,
  type Refused,
  settledCost,
  settledTokens,
  wholeUsage,
} from '../accounting/settlement.ts'
import type { DataPlane } from '../data-plane.ts'
import { MAX_TOKENS } from '../estimate/estimate-cost.ts'
import { rejectsCredential } from '../upstream/credential-rejection.ts'
import type { PermittedCall } from './call.ts'

/** What came of a call that had its permit. */
export interface CallResult {
  /** As the application was told. */
  readonly requestId: string
  readonly sent: boolean
  readonly interruptedBy: CallEnd['interruptedBy']
  /** The provider's status and headers, and when they came, Unix milliseconds. */
  readonly status: number | undefined
  readonly headers: WireHeaders | undefined
  readonly headersAtMs: number | undefined
  /** Of the connection's credential, as it was sent; undefined where none is stored. */
  readonly credentialVersion: number | undefined
  /** Of an answer of 4xx or 5xx, decompressed: some providers tell there how long to wait. */
  readonly errorBody: Buffer | undefined
  /** That of an error which came inside an answer that had begun well. */
  readonly errorStatus: number | undefined
  readonly timeToFirstByteMs: number | undefined
  readonly upstreamMs: number | undefined
  readonly usage: TokenUsage | undefined
  /** What it told of its usage where that is not all. */
  readonly partialUsage: PartialUsage | undefined
  /** Answers to the operation tell their usage. */
  readonly reportsUsage: boolean
  /** The usage is of input that the request did not hold, too. */
  readonly providerAddedInput: boolean
  readonly outputTokensSeen: number
  /** Which response of those that the provider makes in the background it is about. */
  readonly background: BackgroundReading | undefined
}

/** What a 429 that the call got is about. */
function refusedOf({ connection, inspection, pool, estimate }: PermittedCall, result: CallResult): Refused {
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

/** Whether the provider goes on with a response though this one has ended, so that what was reserved for it may yet be used. */
function isMadeLater({ inspection }: PermittedCall, result: CallResult): boolean {
  if (inspection.inBackground !== true) return false
  const { sent, status, errorStatus } = result
  const hasBegun = sent && status !== undefined && status < 300 && errorStatus === undefined
  return hasBegun && wholeUsage(result) === undefined
}

/**
 * Returns whether a response shows that the provider takes the credential: one for which a model ran. Lists of models, and what is not known
 * here, are public on some servers.
 */
function showsAcceptance(
  { operation }: PermittedCall,
  { status, errorStatus }: Pick<CallResult, 'status' | 'errorStatus'>,
): boolean {
  if (!operation.usesModel || operation.unlisted === true || status === undefined) return false
  return status < 300 && errorStatus === undefined
}

/**
 * Settles the call's permit, learns from it, and records its event.
 * @param beyond what it reports that a response in the background has used beyond what is charged and recorded for that
 */
export function finishCall(
  { events, clock, credentialReports, backgroundResponses }: DataPlane,
  call: PermittedCall,
  result: CallResult,
  beyond?: AdditionalUsage,
): void {
  const { adapter, settings, learned, cachedShares } = call.connection
  const { status, headers = {}, headersAtMs = 0, errorStatus, errorBody, credentialVersion } = result
  const { estimate } = call
  const isCredentialRejected =
    status !== undefined && errorBody !== undefined && rejectsCredential(call, { status, headers, body: errorBody })
  if (isCredentialRejected) credentialReports.rejected(settings, credentialVersion, status)
  else if (credentialVersion !== undefined && showsAcceptance(call, result)) {
    credentialReports.accepted(settings, credentialVersion)
  }
  const unread = isUnread(result, estimate)
  const isUnderWay = isMadeLater(call, result)
  const usage = chargedUsage(result, estimate, isUnderWay)
  const end: CallEnd = {
    sent: result.sent,
    ...(status === undefined ? {} : { status }),
    ...(result.interruptedBy === undefined ? {} : { interruptedBy: result.interruptedBy }),
    errorStatus,
    isCredentialRejected,
    usage,
    outputTokensSeen: unread || isUnderWay ? chargedOutput(result.outputTokensSeen, estimate) : result.outputTokensSeen,
    retryAfterMs:
      (errorStatus ?? status) === 429 ? adapter.retryAfterMs(headers, headersAtMs, result.errorBody) : undefined,
  }
  const coolDown = coolDownOf(end, refusedOf(call, result))
  call.permit.settle(withAdditionalUsage(settledCost(end, call), beyond, call.connection), coolDown, limitedCost(end, call))
  if (isUnderWay && result.background !== undefined) {
    const { inputTokens, outputTokens } = settledTokens(end, estimate)
    backgroundResponses.remember(settings.id, result.background.id, {
      model: call.inspection.model,
      ...(call.pool === '' ? {} : { pool: call.pool }),
      charged: { tokens: Math.min(MAX_TOKENS, inputTokens + outputTokens), inputTokens, outputTokens },
      ...(usage === undefined ? {} : { recorded: usage }),
    })
  }
  const isWhole = result.interruptedBy === undefined && result.errorStatus === undefined
  // What nothing is known of may not be like the model's other requests.
  const isRead = result.usage !== undefined || result.partialUsage?.inputTokens !== undefined
  if (usage !== undefined && isRead && !call.operation.unlisted) {
    const { inspection } = call
    const { providerAddedInput } = result
    const learnedFrom = providerAddedInput ? { ...inspection, providerAddsInput: true } : inspection
    // An output that is not known teaches nothing; the prompt does.
    learned.learn(learnedFrom, usage, isWhole && result.usage !== undefined)
    // What a provider reads again in a loop of its own it caches too, which says nothing about the next prompt.
    if (!providerAddedInput) cachedShares.learn(inspection.model, usage)
  }
  const event: ResponseEvent = {
    requestId: result.requestId,
    startedAtMs: call.startedAtMs,
    endedAtMs: clock.nowMs(),
    apiKeyId: call.apiKey.id,
    model: beyond?.model ?? call.inspection.model,
    outcome: outcomeOf(end),
  }
  const pool = beyond?.pool ?? call.pool
  if (pool !== '') event.pool = pool
  if (result.timeToFirstByteMs !== undefined) event.timeToFirstByteMs = result.timeToFirstByteMs
  if (result.upstreamMs !== undefined) event.upstreamMs = result.upstreamMs
  const recorded = beyond?.usage ?? usage
  if (recorded !== undefined) event.usage = recorded
  if (unread) event.unreadUsage = true
  if (status !== undefined) {
    event.upstreamStatus = status
    const rateLimitHeaders = adapter.rateLimitHeaders(headers)
    if (rateLimitHeaders !== undefined) {
      event.rateLimitHeaders = rateLimitHeaders
      event.headersAtMs = headersAtMs
    }
    const rateLimits = status === 429 && result.errorBody ? adapter.rateLimitsInError(result.errorBody) : []
    if (rateLimits.length > 0) {
      event.rateLimits = rateLimits
      event.headersAtMs = headersAtMs
    }
  }
  events.record(settings.id, settings.provider, event)
}
