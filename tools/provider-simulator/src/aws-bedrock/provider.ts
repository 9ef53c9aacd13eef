import { readSession, SIGNATURE_ERROR_TYPES, verifySignature } from '@sluice/aws-simulator'
import type { AccountDirectory } from '../core/accounts.ts'
import type { Caller, ReceivedRequest, SimulatedProvider } from '../core/simulated-provider.ts'
import { converseRoutes } from './converse.ts'
import { errorResponse, failure } from './errors.ts'
import { invokeRoutes } from './invoke.ts'

/**
 * AWS Bedrock's runtime: https://docs.aws.amazon.com/bedrock/latest/APIReference. Sessions come from the STS of
 * `tools/aws-simulator`.
 */
export const awsBedrock: SimulatedProvider = {
  routes: [...converseRoutes, ...invokeRoutes],
  identify,
  // AWS reports no limits in headers.
  headers: ({ requestId }) => ({ 'x-amzn-requestid': uuid(requestId) }),
  failure,
}

/** Finds the account whose role the session that signed the request belongs to. */
async function identify(request: ReceivedRequest, accounts: AccountDirectory): Promise<Caller> {
  const signature = await verifySignature(request, (accessKeyId, sessionToken) => {
    const session = readSession(accessKeyId, sessionToken)
    if (session === undefined) return undefined
    const account = accounts.list().find(({ role }) => role?.arn === session.roleArn)
    if (account?.role === undefined) return undefined
    return { key: { ...session, account }, scope: { service: 'bedrock', region: account.role.region } }
  })
  if (signature.status === 'valid') return { status: 'known', account: signature.key.account }
  const { reason, message } = signature
  return { status: 'refused', response: errorResponse(403, { type: SIGNATURE_ERROR_TYPES[reason], message }) }
}

/** Writes the id of a request as AWS does. */
function uuid(requestId: string): string {
  return requestId.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5')
}
