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
  let isReady = false
  try {
    const ready = await looked(plane, permitted, body)
    isReady = !('code' in ready)
    return ready
  } finally {
    if (!isReady) permitted.permit.settle(NOTHING_USED)
  }
}

async function looked(
  plane: DataPlane,
  permitted: PermittedCall,
  body: () => Buffer | Readable | null,
): Promise<Ready | GatewayError> {
  let call = permitted
  for (let looks = 1; looks <= MAX_LOOKS; looks++) {
    const current = currentCall(plane, call)
    if ('code' in current) return current
    call = current
    const credential = credentialOf(plane, call.connection)
    const hasWaited = credential instanceof Promise
    const secrets = await credential
    if (secrets === 'superseded') continue
    const request = upstreamRequest(call, secrets, body())
    const signs = call.connection.adapter.signing === 'sigv4'
    const signed = signs ? await signedRequest(plane, call, request) : { request, secrets }
    if ((!hasWaited && !signs) || currentCall(plane, call) === call) return { call, ...signed }
  }
  return gatewayError(
    'unavailable',
    `Connection "${call.connection.settings.name}" changes faster than it can be used.`,
  )
}

/** Resolves when a credential, or a session in the connection's role, is there or cannot be had: which, {@link readyToSend} tells. */
export async function credentialReady(plane: DataPlane, connection: UsableConnection): Promise<void> {
  if (connection.adapter.signing === 'sigv4') await plane.signer.prepare(connection.settings)
  const credential = credentialOf(plane, connection)
  if (credential instanceof Promise) await credential
}

/** Each further one finds that the connection has changed while its credential was fetched. */
const MAX_LOOKS = 5
