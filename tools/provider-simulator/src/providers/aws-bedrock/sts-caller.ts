import type { AccountDirectory } from '../../core/accounts.ts'
import type { Caller, ReceivedRequest } from '../simulated-provider.ts'
import { readAssumeRole } from './assume-role-parameters.ts'
import { SIGNATURE_MISMATCH } from './session-caller.ts'
import { readSignatureClaim, signatureMatches } from './signature.ts'
import { stsError } from './sts-errors.ts'

/**
 * Whose role the request asks for: known only if a caller that the role trusts signed it and names the role's external
 * id. Any region will do, as STS has the same roles in all of them.
 */
export async function stsCaller(request: ReceivedRequest, accounts: AccountDirectory): Promise<Caller> {
  const { authorization } = request.headers
  const refused = (status: number, code: string, message: string): Caller => ({
    status: 'refused',
    answer: stsError(status, code, message, request.requestId),
  })
  if (authorization === undefined) return { status: 'missing-api-key' }
  const claim = readSignatureClaim(authorization)
  if (claim === undefined) return refused(400, 'IncompleteSignature', 'Authorization header is no signature.')
  const roles = accounts.list().flatMap(({ role }) => role ?? [])
  const caller = roles.find(({ trustedCaller }) => trustedCaller.accessKeyId === claim.accessKeyId)?.trustedCaller
  if (caller === undefined) {
    return refused(403, 'InvalidClientTokenId', 'The security token included in the request is invalid.')
  }
  if (claim.service !== 'sts') {
    return refused(403, 'SignatureDoesNotMatch', "Credential should be scoped to correct service: 'sts'.")
  }
  const matches = await signatureMatches(request, claim, caller)
  if (!matches) return refused(403, 'SignatureDoesNotMatch', SIGNATURE_MISMATCH)

  const result = readAssumeRole(request.body)
  if (result.status === 'invalid') return refused(400, result.code, result.message)
  const { roleArn, externalId } = result.parameters
  const account = accounts.list().find(({ role }) => role?.arn === roleArn)
  const trusted = account?.role?.trustedCaller.accessKeyId === caller.accessKeyId
  const named = account?.role?.externalId === undefined || account.role.externalId === externalId
  if (account !== undefined && trusted && named) return { status: 'known', account }
  return refused(
    403,
    'AccessDenied',
    `User: arn:aws:iam::000000000000:user/${caller.accessKeyId} is not authorized to perform: sts:AssumeRole on resource: ${roleArn}`,
  )
}
