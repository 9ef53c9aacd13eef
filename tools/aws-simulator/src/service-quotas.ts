import { type AwsApi, JSON_PROTOCOL, parseInput } from './api.ts'
import { AwsError, SIGNATURE_ERROR_TYPES } from './aws-error.ts'
import { readSession } from './sessions.ts'
import { verifySignature } from './signature.ts'
import { type AwsRole, type AwsRoles, assumedRoleArn } from './sts.ts'

/**
 * `ListServiceQuotas` for Bedrock, called with the session of a role:
 * https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_ListServiceQuotas.html.
 */
export function createServiceQuotas(roles: AwsRoles, region: string): AwsApi {
  return {
    ...JSON_PROTOCOL,
    async accept(request) {
      const signature = await verifySignature(request, (accessKeyId, sessionToken) => {
        const key = readSession(accessKeyId, sessionToken)
        return key && roles.has(key.roleArn) ? { key, scope: { service: 'servicequotas', region } } : undefined
      })
      if (signature.status === 'refused') {
        throw new AwsError(SIGNATURE_ERROR_TYPES[signature.reason], signature.message)
      }
      const { roleArn } = signature.key
      return () => {
        const { operation, body } = request
        if (operation !== OPERATION) throw new AwsError('UnknownOperationException', `No operation ${operation}`)
        const quotas = roles.get(roleArn)?.serviceQuotas
        if (quotas === undefined) throw denied(roleArn)
        return JSON.stringify(listQuotas(quotas, parseInput(body), `${region}:${roleArn.split(':')[4]}`))
      }
    },
    faultError: (fault) =>
      fault.kind === 'rate-limit'
        ? new AwsError('TooManyRequestsException', 'Rate exceeded')
        : new AwsError(typeOfStatus(fault.status), fault.message ?? 'The request was refused.', fault.status),
  }
}

const OPERATION = 'ListServiceQuotas'
const MAX_RESULTS = 100

function typeOfStatus(status: number): string {
  if (status === 403) return 'AccessDeniedException'
  return status < 500 ? 'IllegalArgumentException' : 'ServiceException'
}

function denied(roleArn: string): AwsError {
  const message =
    `User: ${assumedRoleArn(roleArn)} is not authorized to perform: servicequotas:${OPERATION} because no ` +
    `identity-based policy allows the servicequotas:${OPERATION} action`
  return new AwsError('AccessDeniedException', message)
}

type Quota = NonNullable<AwsRole['serviceQuotas']>[number]

/** @param place `<region>:<account>` @throws AwsError `NoSuchResourceException`, `IllegalArgumentException` */
function listQuotas(quotas: readonly Quota[], input: Readonly<Record<string, unknown>>, place: string): object {
  const { ServiceCode: service, NextToken: token = '0', MaxResults: results = MAX_RESULTS } = input
  if (service !== 'bedrock') {
    throw new AwsError('NoSuchResourceException', `The simulator has no quotas of the service ${service}.`)
  }
  const first = Number(token)
  if (typeof results !== 'number' || results < 1 || results > MAX_RESULTS || !(first <= quotas.length)) {
    throw new AwsError('IllegalArgumentException', 'MaxResults or NextToken is not valid.')
  }
  const next = first + results
  return {
    Quotas: quotas.slice(first, next).map((quota, index) => quotaObject(quota, first + index, place)),
    ...(next < quotas.length && { NextToken: `${next}` }),
  }
}

function quotaObject({ name, value }: Quota, index: number, place: string): object {
  const code = `L-${index.toString(16).toUpperCase().padStart(8, '0')}`
  return {
    ServiceCode: 'bedrock',
    ServiceName: 'Amazon Bedrock',
    QuotaArn: `arn:aws:servicequotas:${place}:bedrock/${code}`,
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
