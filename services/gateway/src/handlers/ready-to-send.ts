import type { Readable } from 'node:stream'
import type { UsableConnection } from '../domain/connection.ts'
import { type GatewayError, gatewayError } from '../domain/gateway-error.ts'
import { NOTHING_USED } from '../domain/settlement.ts'
import type { CredentialSecrets } from '../ports/credentials.ts'
import type { DataPlane } from '../ports/data-plane.ts'
import type { UpstreamRequest } from '../ports/upstream.ts'
import type { PermittedCall } from './call.ts'
import { currentCall } from './current-call.ts'
import { signedRequest } from './signed-request.ts'
import { credentialOf, upstreamRequest } from './upstream-request.ts'

/** A request with its signature, and what it was made of. */
export interface Ready {
  readonly call: PermittedCall
  readonly request: UpstreamRequest
  readonly secrets: CredentialSecrets
}

/**
 * Makes the request to send, to where the connection leads now and with the credential that belongs there: nothing is waited for between
 * the look at the connection and the return. Where it cannot be made, gives the permit back.
 * @throws (rejects) SluiceError `credential_unavailable`
 */
export async function readyToSend(
  plane: DataPlane,
  permitted: PermittedCall,
  body: () => Buffer | Readable | null,
): Promise<Ready | GatewayError> {
  let call = permitted
  let ready: Ready | undefined
  try {
    for (let looks = 1; looks <= MAX_LOOKS && ready === undefined; looks++) {
      const current = currentCall(plane, call)
      if ('code' in current) return current
      call = current
      const credential = credentialOf(plane, call.connection)
      const hasWaited = credential instanceof Promise
      const secrets = hasWaited ? await credential : credential
      if (secrets === 'superseded') continue
      const request = upstreamRequest(call, secrets, body())
      const signs = call.connection.adapter.signing === 'sigv4'
      const signed = signs ? await signedRequest(plane, call, request) : { request, secrets }
      if ((!hasWaited && !signs) || currentCall(plane, call) === call) ready = { call, ...signed }
    }
    return ready ?? changesTooFast(call)
  } finally {
    if (ready === undefined) permitted.permit.settle(NOTHING_USED)
  }
}

function changesTooFast({ connection }: PermittedCall): GatewayError {
  return gatewayError('unavailable', `Connection "${connection.settings.name}" changes faster than it can be used.`)
}

/**
 * Resolves when a credential, or a session in the connection's role, is there or cannot be had: which, {@link readyToSend} tells. Undefined
 * where it is there now.
 */
export function credentialReady(plane: DataPlane, connection: UsableConnection): Promise<unknown> | undefined {
  if (connection.adapter.signing === 'sigv4') {
    return plane.signer.prepare(connection.settings).then(() => credentialOf(plane, connection))
  }
  const credential = credentialOf(plane, connection)
  return credential instanceof Promise ? credential : undefined
}

/** Each further one finds that the connection has changed while its credential was fetched. */
const MAX_LOOKS = 5
