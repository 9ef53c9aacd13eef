import type { Readable } from 'node:stream'
import { NOTHING_USED } from '../accounting/settlement.ts'
import { currentCall } from '../admission/admit-call.ts'
import type { UsableConnection } from '../admission/connection.ts'
import type { DataPlane } from '../data-plane.ts'
import { requestHeaders } from '../http/forwarded-headers.ts'
import { type GatewayError, gatewayError } from '../http/gateway-error.ts'
import type { CredentialSecrets, Credentials } from '../upstream/credentials.ts'
import type { SignedRequest } from '../upstream/role-session.ts'
import type { UpstreamRequest } from '../upstream/upstream.ts'
import type { Call, PermittedCall } from './call.ts'

/** The secrets to call the provider with; none where the provider needs no stored credential. */
export function credentialOf(
  { credentials }: DataPlane,
  { settings, credentialVersions }: UsableConnection,
): ReturnType<Credentials['get']> {
  return credentialVersions === undefined ? NO_SECRETS : credentials.get(settings.id, credentialVersions)
}

/** What to send to the provider for a call. @param body a stream is as long as the caller's headers say */
export function upstreamRequest(
  { connection, method, operation, query, headers: given }: Call,
  secrets: CredentialSecrets,
  body: Buffer | Readable | null,
): UpstreamRequest {
  const { adapter, settings, origin, basePath } = connection
  const authHeaders = adapter.authHeaders({ ...settings.config, ...secrets })
  const headers = requestHeaders(given, adapter.connectionHeaders, authHeaders)
  const length = given['content-length']
  if (body !== null && !(body instanceof Buffer) && typeof length === 'string') headers.push('content-length', length)
  const path = query === '' ? basePath + operation.path : `${basePath}${operation.path}?${query}`
  return { origin, path, method, headers, body }
}

export const NO_SECRETS: CredentialSecrets = {}

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
