import type { AccountQuota, AccountRole } from '../../core/account-role.ts'
import { parseObject } from '../../wire/parse-object.ts'
import type { BodyResponse, ProviderRoute } from '../simulated-provider.ts'
import { quotaError, quotaFailure } from './quota-errors.ts'

/** https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_ListServiceQuotas.html, at a path of its own. */
export const listServiceQuotas: ProviderRoute = {
  method: 'POST',
  path: '/service-quotas/',
  failure: quotaFailure,
  handle: ({ account: { role }, headers, body }) => ({ answer: () => answer(role, headers['x-amz-target'], body) }),
}

function answer(role: AccountRole | undefined, target: unknown, body: string): BodyResponse {
  if (target !== `ServiceQuotasV20190624.${OPERATION}`) {
    return quotaError(400, 'UnknownOperationException', `No operation ${target}`)
  }
  const quotas = role?.serviceQuotas
  if (role === undefined || quotas === undefined) return denied(role)
  const { ServiceCode: service, NextToken: token = '0', MaxResults: results = MAX_RESULTS } = parseObject(body) ?? {}
  if (service !== 'bedrock') {
    return quotaError(400, 'NoSuchResourceException', `The simulator has no quotas of the service ${service}.`)
  }
  const first = Number(token)
  if (typeof results !== 'number' || results < 1 || results > MAX_RESULTS || !(first <= quotas.length)) {
    return quotaError(400, 'IllegalArgumentException', 'MaxResults or NextToken is not valid.')
  }
  const next = first + results
  return {
    kind: 'body',
    status: 200,
    headers: { 'content-type': 'application/x-amz-json-1.1' },
    body: JSON.stringify({
      Quotas: quotas.slice(first, next).map((quota, index) => entry(quota, first + index, role)),
      ...(next < quotas.length && { NextToken: `${next}` }),
    }),
  }
}

const OPERATION = 'ListServiceQuotas'
const MAX_RESULTS = 100

function denied(role: AccountRole | undefined): BodyResponse {
  const assumed = role?.arn.replace(':iam:', ':sts:').replace(':role/', ':assumed-role/')
  return quotaError(
    400,
    'AccessDeniedException',
    `User: ${assumed} is not authorized to perform: servicequotas:${OPERATION} because no identity-based policy allows the servicequotas:${OPERATION} action`,
  )
}

function entry({ name, value }: AccountQuota, index: number, role: AccountRole) {
  const code = `L-${index.toString(16).toUpperCase().padStart(8, '0')}`
  return {
    ServiceCode: 'bedrock',
    ServiceName: 'Amazon Bedrock',
    QuotaArn: `arn:aws:servicequotas:${role.region}:${role.arn.split(':')[4]}:bedrock/${code}`,
    QuotaCode: code,
    QuotaName: name,
    ...(value === undefined
      ? { ErrorReason: { ErrorCode: 'SERVICE_QUOTA_NOT_AVAILABLE_ERROR', ErrorMessage: 'The quota is not available.' } }
      : { Value: value }),
    Unit: 'None',
    Adjustable: true,
    GlobalQuota: false,
    QuotaAppliedAtLevel: 'ACCOUNT',
  }
}
