import type { AccountDirectory } from '../../core/accounts.ts'
import type { Caller, ReceivedRequest } from '../simulated-provider.ts'
import { errorAnswer } from './errors.ts'
import type { Sessions } from './sessions.ts'
import { readSignatureClaim, signatureMatches } from './signature.ts'

/** Whose session signed a request to Bedrock. A long-term key is refused as any that STS did not hand out. */
export async function bedrockCaller(
  request: ReceivedRequest,
  accounts: AccountDirectory,
  sessions: Sessions,
): Promise<Caller> {
  const { authorization, 'x-amz-security-token': token } = request.headers
  if (authorization === undefined) return { status: 'missing-api-key' }
  const claim = readSignatureClaim(authorization)
  if (claim === undefined) return refused('IncompleteSignatureException', 'Authorization header is no signature.')
  const session = sessions.get(claim.accessKeyId)
  const account = session && accounts.get(session.account)
  if (session?.sessionToken !== token || session === undefined || account === undefined) {
    return refused('UnrecognizedClientException', 'The security token included in the request is invalid.')
  }
  if (session.expiresAtMs <= request.arrivedAtMs) {
    return refused('ExpiredTokenException', 'The security token included in the request is expired')
  }
  if (claim.service !== 'bedrock') {
    return refused('InvalidSignatureException', "Credential should be scoped to correct service: 'bedrock'.")
  }
  if (claim.region !== account.role?.region) {
    return refused('InvalidSignatureException', 'Credential should be scoped to a valid region.')
  }
  if (await signatureMatches(request, claim, session)) return { status: 'known', account }
  return refused('InvalidSignatureException', SIGNATURE_MISMATCH)
}

export const SIGNATURE_MISMATCH =
  'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and ' +
  'signing method. Consult the service documentation for details.'

function refused(type: string, message: string): Caller {
  return { status: 'refused', answer: errorAnswer(403, { type, message }) }
}
