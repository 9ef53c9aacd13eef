import type { DataPlane } from '../ports/data-plane.ts'
import type { UpstreamRequest } from '../ports/upstream.ts'
import type { AnswerRelay } from './answer-relay.ts'
import type { PermittedCall } from './call.ts'

/** Sends a call that its provider takes only with a signature over the whole request. */
export async function sendSigned(
  { signer }: DataPlane,
  { connection }: PermittedCall,
  { body, ...outgoing }: UpstreamRequest,
  relay: AnswerRelay,
): Promise<void> {
  if (body !== null && !(body instanceof Buffer)) throw new TypeError('a body that is streamed on cannot be signed')
  const { request, secrets } = await signer.sign(connection.settings, { ...outgoing, body })
  relay.send(request, secrets)
}
