import { randomUUID } from 'node:crypto'
import { type Static, Type } from 'typebox'
import type { AwsApi, AwsRequest } from './api.ts'
import { AwsError } from './aws-error.ts'
import { openSession } from './sessions.ts'
import { type SignatureRefusal, type SigningKey, verifySignature } from './signature.ts'

const Text = Type.String({ minLength: 1 })

/** A role, the caller that it trusts, and what its sessions may do. */
export const AwsRole = Type.Object(
  {
    arn: Type.String({ pattern: '^arn:aws:iam::\\d{12}:role/[\\w+=,.@/-]+$' }),
    /** The external id that a caller must state to assume the role; absent: none. */
    externalId: Type.Optional(Text),
    /** The long-term key of the IAM user that may assume the role. */
    trustedCaller: Type.Object({ accessKeyId: Text, secretAccessKey: Text }, { additionalProperties: false }),
    /** Lifetime of a session, whatever its caller asks for: AWS itself grants at least 900 s. */
    sessionSeconds: Type.Optional(Type.Integer({ minimum: 1 })),
    /**
     * The account's quotas for Bedrock; absent: sessions may not list them. No `value`: Service Quotas does not know
     * it.
     */
    serviceQuotas: Type.Optional(
      Type.Array(Type.Object({ name: Text, value: Type.Optional(Type.Number()) }, { additionalProperties: false })),
    ),
  },
  { additionalProperties: false },
)
export type AwsRole = Static<typeof AwsRole>

/** The roles of a simulator by ARN. */
export type AwsRoles = ReadonlyMap<string, AwsRole>

/** `AssumeRole`: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html. Any region will do. */
export function createSts(roles: AwsRoles): AwsApi {
  const findCaller = (accessKeyId: string): SigningKey | undefined =>
    [...roles.values()].find(({ trustedCaller }) => trustedCaller.accessKeyId === accessKeyId)?.trustedCaller

  return {
    contentType: 'text/xml',
    async accept(request) {
      const signature = await verifySignature(request, (accessKeyId) => {
        const key = findCaller(accessKeyId)
        return key && { key, scope: { service: 'sts' } }
      })
      if (signature.status === 'valid') return () => assumeRole(request, signature.key, roles)
      const { reason, message } = signature
      throw new AwsError(SIGNATURE_ERRORS[reason], message, reason === 'malformed' ? 400 : 403)
    },
    writeError: ({ type, message, status }, requestId) =>
      `<ErrorResponse xmlns="${NAMESPACE}"><Error><Type>${status < 500 ? 'Sender' : 'Receiver'}</Type>` +
      `<Code>${type}</Code><Message>${xmlText(message)}</Message></Error>` +
      `<RequestId>${requestId}</RequestId></ErrorResponse>\n`,
    faultError: (fault) =>
      fault.kind === 'rate-limit'
        ? new AwsError('Throttling', 'Rate exceeded')
        : new AwsError(typeOfStatus(fault.status), fault.message ?? 'The request was refused.', fault.status),
  }
}

const NAMESPACE = 'https://sts.amazonaws.com/doc/2011-06-15/'

/** https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html */
const SIGNATURE_ERRORS: Readonly<Record<SignatureRefusal['reason'], string>> = {
  missing: 'MissingAuthenticationToken',
  malformed: 'IncompleteSignature',
  'unknown-key': 'InvalidClientTokenId',
  expired: 'ExpiredToken',
  'wrong-scope': 'SignatureDoesNotMatch',
  mismatch: 'SignatureDoesNotMatch',
}

function typeOfStatus(status: number): string {
  if (status === 403) return 'AccessDenied'
  if (status === 503) return 'ServiceUnavailable'
  return status < 500 ? 'ValidationError' : 'InternalFailure'
}

/** @throws AwsError `InvalidAction`, `ValidationError`, `AccessDenied` */
function assumeRole({ body, arrivedAtMs }: AwsRequest, caller: SigningKey, roles: AwsRoles): string {
  const { roleArn, sessionName, externalId, durationSeconds } = readParameters(body)
  const role = roles.get(roleArn)
  const isTrusted = role?.trustedCaller.accessKeyId === caller.accessKeyId
  const isNamed = role?.externalId === undefined || role.externalId === externalId
  if (role === undefined || !isTrusted || !isNamed) {
    const user = `arn:aws:iam::000000000000:user/${caller.accessKeyId}`
    const message = `User: ${user} is not authorized to perform: sts:AssumeRole on resource: ${roleArn}`
    throw new AwsError('AccessDenied', message, 403)
  }
  const expiresAtMs = arrivedAtMs + (role.sessionSeconds ?? durationSeconds) * 1000
  const session = openSession(roleArn, expiresAtMs)
  return (
    `<AssumeRoleResponse xmlns="${NAMESPACE}"><AssumeRoleResult>` +
    `<AssumedRoleUser><AssumedRoleId>AROASIMULATOR00000000:${xmlText(sessionName)}</AssumedRoleId>` +
    `<Arn>${xmlText(`${assumedRoleArn(roleArn)}/${sessionName}`)}</Arn></AssumedRoleUser>` +
    `<Credentials><AccessKeyId>${session.accessKeyId}</AccessKeyId>` +
    `<SecretAccessKey>${session.secretAccessKey}</SecretAccessKey>` +
    `<SessionToken>${session.sessionToken}</SessionToken>` +
    `<Expiration>${new Date(expiresAtMs).toISOString()}</Expiration></Credentials>` +
    `</AssumeRoleResult><ResponseMetadata><RequestId>${randomUUID()}</RequestId></ResponseMetadata>` +
    '</AssumeRoleResponse>\n'
  )
}

/** Returns the ARN by which AWS names the sessions of a role, without a session's name. */
export function assumedRoleArn(roleArn: string): string {
  return roleArn.replace(':iam:', ':sts:').replace(':role/', ':assumed-role/')
}

interface AssumeRoleParameters {
  readonly roleArn: string
  readonly sessionName: string
  readonly externalId: string | undefined
  readonly durationSeconds: number
}

/** Reads the body of a request, which is a query string. @throws AwsError `InvalidAction`, `ValidationError` */
function readParameters(body: string): AssumeRoleParameters {
  const fields = new URLSearchParams(body)
  const action = fields.get('Action')
  const version = fields.get('Version')
  if (action !== 'AssumeRole' || version !== '2011-06-15') {
    throw new AwsError('InvalidAction', `Could not find operation ${action} for version ${version}`)
  }
  const read = <Default extends string | undefined>(name: string, pattern: RegExp, byDefault: Default) => {
    const value = fields.get(name)
    if (value !== null && pattern.test(value)) return value
    if (value === null && byDefault !== REQUIRED) return byDefault
    throw invalid(name, value)
  }
  const durationSeconds = Number(read('DurationSeconds', /^\d{1,5}$/, '3600'))
  if (durationSeconds < 900 || durationSeconds > 43_200) throw invalid('DurationSeconds', String(durationSeconds))
  return {
    roleArn: read('RoleArn', /^arn:aws:iam::\d{12}:role\/\S{1,512}$/, REQUIRED),
    sessionName: read('RoleSessionName', /^[\w+=,.@-]{2,64}$/, REQUIRED),
    externalId: read('ExternalId', /^[\w+=,.@:/-]{2,1224}$/, undefined),
    durationSeconds,
  }
}

/** No default: the parameter has to be there. */
const REQUIRED = ''

function invalid(name: string, value: string | null): AwsError {
  const field = name.charAt(0).toLowerCase() + name.slice(1)
  const message = `1 validation error detected: Value '${value}' at '${field}' failed to satisfy its constraint`
  return new AwsError('ValidationError', message)
}

/** Escapes character data. */
function xmlText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
