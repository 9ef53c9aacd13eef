import { paginateListServiceQuotas, type ServiceQuota, ServiceQuotasClient } from '@aws-sdk/client-service-quotas'
import { SluiceError } from '@sluice/contracts'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { assumeRole } from '../adapters/aws/assume-role.ts'
import { awsFault } from '../adapters/aws/aws-fault.ts'
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
  /** Breaks off what is under way. */
  stop(): void
}

/** Bedrock's quotas from AWS's Service Quotas, over HTTP/1.1, with credentials of the role that are gone afterwards. */
export function serviceQuotas({ stsEndpoint, endpoint, withinMs = WITHIN_MS }: ServiceQuotasOptions): ServiceQuotas {
  const stopping = new AbortController()
  const requestHandler = new NodeHttpHandler({
    connectionTimeout: CONNECT_TIMEOUT_MS,
    requestTimeout: ATTEMPT_TIMEOUT_MS,
    socketTimeout: ATTEMPT_TIMEOUT_MS,
    throwOnRequestTimeout: true,
  })
  return {
    quotasOf: async (role) => {
      const abortSignal = AbortSignal.any([stopping.signal, AbortSignal.timeout(withinMs)])
      const credentials = await assumeRole(role, { endpoint: stsEndpoint, requestHandler })
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
    quotas.push(...Quotas.map(accountQuota))
    if (++pages > MAX_PAGES) throw new SluiceError('upstream_unreachable', 'AWS lists more quotas than can be.')
  }
  return quotas
}

function accountQuota({ QuotaName: name = '', Value: value }: ServiceQuota): AccountQuota {
  return { name, ...(value === undefined ? {} : { value }) }
}

/** As many as AWS gives at once. */
const PAGE_QUOTAS = 100
/** Bedrock has about a thousand quotas. */
const MAX_PAGES = 50
/** Less than who asks waits for the reply. */
const WITHIN_MS = 20_000
const CONNECT_TIMEOUT_MS = 2_000
const ATTEMPT_TIMEOUT_MS = 4_000
const MAX_ATTEMPTS = 3
