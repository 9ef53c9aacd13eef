import type { IncomingMessage } from 'node:http'
import { KmsFault } from './kms-fault.ts'

export interface KmsCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

/**
 * Checks a request's signature (version 4) as AWS does.
 * @throws KmsFault `MissingAuthenticationTokenException`, `UnrecognizedClientException`, `InvalidSignatureException`
 */
export async function authenticateKms(
  request: IncomingMessage,
  body: string,
  region: string,
  credentials: KmsCredentials,
): Promise<void> {
  // Loaded only where it is used: most tests need no simulator.
  const { readSignatureClaim, signatureMatches } = await import('@sluice/provider-simulator')
  const claim = readSignatureClaim(request.headers.authorization)
  if (claim === undefined) throw new KmsFault('MissingAuthenticationTokenException', 'Missing Authentication Token')
  if (claim.accessKeyId !== credentials.accessKeyId) {
    throw new KmsFault('UnrecognizedClientException', 'The security token included in the request is invalid.')
  }
  if (claim.service !== 'kms' || claim.region !== region) {
    throw new KmsFault('InvalidSignatureException', `Credential should be scoped to '${region}/kms'.`)
  }
  const [path = '/', query = ''] = (request.url ?? '/').split('?')
  const { method = '', headers } = request
  const received = { method, path, query, headers, body, arrivedAtMs: Date.now(), requestId: '' }
  if (await signatureMatches(received, claim, credentials)) return
  throw new KmsFault(
    'InvalidSignatureException',
    'The request signature we calculated does not match the signature you provided.',
  )
}
