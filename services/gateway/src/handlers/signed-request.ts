import type { DataPlane } from '../ports/data-plane.ts'
import type { SignedRequest } from '../ports/request-signer.ts'
import type { UpstreamRequest } from '../ports/upstream.ts'
import type { PermittedCall } from './call.ts'

/**
 * Returns the request of a call that its provider takes only with a signature over the whole of it, signed.
 * @throws (rejects) SluiceError `credential_unavailable` when no session can be had
 */
export function signedRequest(
  { signer }: DataPlane,
  { connection }: PermittedCall,
  { body, ...outgoing }: UpstreamRequest,
): Promise<SignedRequest> {
  if (body !== null && !(body instanceof Buffer)) throw new TypeError('a body that is streamed on cannot be signed')
  return signer.sign(connection.settings, { ...outgoing, body })
}
