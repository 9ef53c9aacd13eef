import type { AccountDirectory } from '../../core/accounts.ts'
import type { Answer, Caller, ReceivedRequest } from '../simulated-provider.ts'
import type { Sessions } from './sessions.ts'
import { readSignatureClaim, signatureMatches } from './signature.ts'

/** An API that takes requests which a session of a role has signed. */
export interface SessionApi {
  /** Its name in the scope of signatures. */
  readonly service: 'bedrock' | 'servicequotas'
  /** The API's answer to a request whose signature is not good. */
  refusal(type: string, message: string): Answer
}

/** Whose session signed a request to the API. A long-term key is refused as any that STS did not hand out. */
export async function sessionCaller(
  request: ReceivedRequest,
  accounts: AccountDirectory,
  sessions: Sessions,
  { service, refusal }: SessionApi,
): Promise<Caller> {
  const { authorization, 'x-amz-security-token': token } = request.headers
  const refused = (type: string, message: string): Caller => ({ status: 'refused', answer: refusal(type, message) })
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
  if (claim.service !== service) {
    return refused('InvalidSignatureException', `Credential should be scoped to correct service: '${service}'.`)
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
