import { paginateListServiceQuotas, type ServiceQuota, ServiceQuotasClient } from '@aws-sdk/client-service-quotas'
import { SluiceError } from '@sluice/contracts'
import { createRoleAssumer, type TemporaryCredentials } from '@sluice/egress'
import type { BedrockRole } from '@sluice/providers'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import type { QuotaSource } from '../ports.ts'
import type { AccountQuota } from './quota-readings.ts'

export interface ServiceQuotasOptions {
  /** In place of STS, and of Service Quotas, in the connection's region. */
  readonly stsEndpoint?: string | undefined
  readonly endpoint?: string | undefined
  /** For reading all pages, the role's assumption included. */
  readonly withinMs?: number
}

export interface ServiceQuotas extends QuotaSource {
  /** Aborts requests in flight. */
  stop(): void
}

/**
 * Reads Bedrock's quotas from AWS Service Quotas, over HTTP/1.1, with temporary credentials of the role that are not
 * kept.
 */
export function serviceQuotas({ stsEndpoint, endpoint, withinMs = WITHIN_MS }: ServiceQuotasOptions): ServiceQuotas {
  const stopping = new AbortController()
  const requestHandler = new NodeHttpHandler({
    connectionTimeout: CONNECT_TIMEOUT_MS,
    requestTimeout: ATTEMPT_TIMEOUT_MS,
    socketTimeout: ATTEMPT_TIMEOUT_MS,
    throwOnRequestTimeout: true,
  })
  const assume = async (role: BedrockRole, signal: AbortSignal): Promise<TemporaryCredentials> => {
    // Made for each refresh, which is rare: an assumer keeps the process's AWS identity, and a changed one should need
    // no restart.
    const assumer = createRoleAssumer({
      endpoint: stsEndpoint,
      maxAttempts: MAX_STS_ATTEMPTS,
      attemptTimeoutMs: ATTEMPT_TIMEOUT_MS,
    })
    try {
      return await assumer.assume({ ...role, sessionName: SESSION_NAME, sessionSeconds: SHORTEST_SESSION_S }, signal)
    } catch (error) {
      throw awsFault(error, 'The role cannot be assumed:')
    } finally {
      assumer.stop()
    }
  }
  return {
    quotasOf: async (role) => {
      const abortSignal = AbortSignal.any([stopping.signal, AbortSignal.timeout(withinMs)])
      const credentials = await assume(role, abortSignal)
      const client = new ServiceQuotasClient({
        region: role.region,
        credentials,
        requestHandler,
        maxAttempts: MAX_ATTEMPTS,
        ...(endpoint && { endpoint }),
      })
      try {
        return await listed(client, abortSignal)
      } catch (error) {
        if (error instanceof SluiceError) throw error
        throw awsFault(error, 'The role may not read its account’s quotas (servicequotas:ListServiceQuotas):')
      }
    },
    stop: () => {
      stopping.abort()
      requestHandler.destroy()
    },
  }
}

async function listed(client: ServiceQuotasClient, abortSignal: AbortSignal): Promise<AccountQuota[]> {
  const quotas: AccountQuota[] = []
  let pages = 0
  const input = { ServiceCode: 'bedrock', QuotaAppliedAtLevel: 'ACCOUNT' } as const
  for await (const { Quotas = [] } of paginateListServiceQuotas({ client, pageSize: PAGE_QUOTAS }, input, {
    abortSignal,
  })) {
    quotas.push(...Quotas.flatMap(accountQuota))
    if (++pages > MAX_PAGES) throw new SluiceError('upstream_unreachable', 'AWS returned too many pages of quotas.')
  }
  return quotas
}

/** Returns nothing for a quota without a name, which could be of anything. */
function accountQuota({ QuotaName: name, Value: value }: ServiceQuota): AccountQuota[] {
  return name === undefined ? [] : [{ name, ...(value === undefined ? {} : { value }) }]
}

/**
 * Returns the error for the requester of a failed AWS call: `rate_limited`; `forbidden` when AWS refuses it;
 * `unavailable` when the service has no AWS identity; otherwise `upstream_unreachable`.
 * @param refusal the meaning of a refusal, put before AWS's own message
 */
function awsFault(cause: unknown, refusal: string): SluiceError {
  if (!(cause instanceof Error)) return new SluiceError('upstream_unreachable', 'AWS cannot be reached.', { cause })
  const { name, message, $metadata } = cause as SdkError
  if (name === 'CredentialsProviderError') {
    return new SluiceError('unavailable', 'Discovery has no AWS identity of its own to assume roles with.', { cause })
  }
  if (THROTTLING.test(name)) return new SluiceError('rate_limited', `AWS is throttling requests: ${message}`, { cause })
  const status = $metadata?.httpStatusCode
  if (status !== undefined && status >= 400 && status < 500) {
    return new SluiceError('forbidden', `${refusal} ${message}`, { cause })
  }
  return new SluiceError('upstream_unreachable', `The request to AWS failed: ${message || name}`, { cause })
}

/** AWS's SDKs set a status if AWS responded. */
interface SdkError extends Error {
  readonly $metadata?: { readonly httpStatusCode?: number }
}

const THROTTLING = /^(?:Throttl|TooManyRequests|RequestLimitExceeded)/

/** As many as AWS gives at once. */
const PAGE_QUOTAS = 100
/** Bedrock has about a thousand quotas. */
const MAX_PAGES = 50
/** Less than the requester's timeout. */
const WITHIN_MS = 20_000
const CONNECT_TIMEOUT_MS = 2_000
const ATTEMPT_TIMEOUT_MS = 4_000
const MAX_ATTEMPTS = 3
const MAX_STS_ATTEMPTS = 2
/** Appears with every call in the role's account (AWS CloudTrail). */
const SESSION_NAME = 'sluice-discovery'
/** @see https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html */
const SHORTEST_SESSION_S = 900
