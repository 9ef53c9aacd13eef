import type { RateLimitReading, ResponseEvent, TokenUsage } from '@sluice/contracts'
import type { PartialUsage, WireHeaders } from '@sluice/providers'
import { chargedOutput, chargedUsage, isUnread } from '../domain/charged-usage.ts'
import { type CallEnd, coolDownOf, limitedCost, outcomeOf, type Refused, settledCost } from '../domain/settlement.ts'
import type { DataPlane } from '../ports/data-plane.ts'
import type { PermittedCall } from './call.ts'
import { rejectsCredential } from './credential-rejection.ts'

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
  readonly outputTokensSeen: number
}

/** What a 429 that the call got is about. */
function refusedOf({ connection, inspection, pool, estimate }: PermittedCall, result: CallResult): Refused {
  const { adapter } = connection
  const { headers = {}, headersAtMs = 0, errorBody } = result
  const isUsedUp = ({ remaining }: RateLimitReading) => remaining === 0
  // A body names the quotas that were exceeded.
  const countsRequests = ({ dimension }: RateLimitReading) => dimension.startsWith('requests')
  const nothingLeft = () =>
    adapter.rateLimits(headers, headersAtMs).some(isUsedUp) ||
    (errorBody !== undefined && adapter.rateLimitsInError(errorBody).some(countsRequests))
  return { model: inspection.model, pool, tokens: estimate.tokens, nothingLeft }
}

/** Settles the call's permit, learns from it, and records its event. */
export function finishCall(
  { events, clock, credentialReports }: DataPlane,
  call: PermittedCall,
  result: CallResult,
): void {
  const { adapter, settings, learned, cachedShares } = call.connection
  const { status, headers = {}, headersAtMs = 0, errorStatus, errorBody, credentialVersion } = result
  const { estimate } = call
  const isCredentialRejected =
    status !== undefined && errorBody !== undefined && rejectsCredential(call, { status, headers, body: errorBody })
  if (isCredentialRejected) credentialReports.rejected(settings, credentialVersion, status)
  else if (status !== undefined && status < 300 && credentialVersion !== undefined) {
    credentialReports.accepted(settings, credentialVersion)
  }
  const unread = isUnread(result, estimate)
  const usage = chargedUsage(result, estimate)
  const end: CallEnd = {
    sent: result.sent,
    ...(status === undefined ? {} : { status }),
    ...(result.interruptedBy === undefined ? {} : { interruptedBy: result.interruptedBy }),
    errorStatus,
    isCredentialRejected,
    usage,
    outputTokensSeen: unread ? chargedOutput(result.outputTokensSeen, estimate) : result.outputTokensSeen,
    retryAfterMs:
      (errorStatus ?? status) === 429 ? adapter.retryAfterMs(headers, headersAtMs, result.errorBody) : undefined,
  }
  const coolDown = coolDownOf(end, refusedOf(call, result))
  call.permit.settle(settledCost(end, call), coolDown, limitedCost(end, call))
  const isWhole = result.interruptedBy === undefined && result.errorStatus === undefined
  // What nothing is known of may not be like the model's other requests.
  const isRead = result.usage !== undefined || result.partialUsage?.inputTokens !== undefined
  if (usage !== undefined && isRead && !call.operation.unlisted) {
    // An output that is not known teaches nothing; the prompt does.
    learned.learn(call.inspection, usage, isWhole && result.usage !== undefined)
    cachedShares.learn(call.inspection.model, usage)
  }
  const event: ResponseEvent = {
    requestId: result.requestId,
    startedAtMs: call.startedAtMs,
    endedAtMs: clock.nowMs(),
    apiKeyId: call.apiKey.id,
    model: call.inspection.model,
    outcome: outcomeOf(end),
  }
  if (call.pool !== '') event.pool = call.pool
  if (result.timeToFirstByteMs !== undefined) event.timeToFirstByteMs = result.timeToFirstByteMs
  if (result.upstreamMs !== undefined) event.upstreamMs = result.upstreamMs
  if (usage !== undefined) event.usage = usage
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
