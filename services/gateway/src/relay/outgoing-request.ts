import type { Readable } from 'node:stream'
import { NOTHING_USED } from '../accounting/settlement.ts'
import { type AdmissionDeps, admitAgain } from '../admission/admit-call.ts'
import type { UsableConnection } from '../admission/connection.ts'
import { requestHeaders } from '../http/forwarded-headers.ts'
import { gatewayError } from '../http/gateway-error.ts'
import { ok, type Refused, type Result, refused } from '../result.ts'
import type { Credentials } from '../upstream/credentials.ts'
import type { SignedRequest } from '../upstream/role-session.ts'
import type { RequestSigner } from '../upstream/role-sessions.ts'
import type { CredentialSecrets } from '../upstream/sealed-box.ts'
import type { UpstreamRequest } from '../upstream/upstream.ts'
import type { Call, PermittedCall } from './call.ts'

export interface CredentialDeps {
  readonly credentials: Credentials
  readonly signer: RequestSigner
}

/**
 * Resolves when a credential, or a session in the connection's role, is there or cannot be had; {@link readyToSend} then says which.
 * Returns undefined if it is there now.
 */
export function credentialReady(deps: CredentialDeps, connection: UsableConnection): Promise<unknown> | undefined {
  if (connection.adapter.signing === 'sigv4') {
    return deps.signer.prepare(connection.settings).then(() => credentialOf(deps, connection))
  }
  const credential = credentialOf(deps, connection)
  return credential instanceof Promise ? credential : undefined
}

/** A request with its signature, and what it was made of. */
export interface ReadyCall {
  readonly call: PermittedCall
  readonly request: UpstreamRequest
  readonly secrets: CredentialSecrets
}

/**
 * Makes the request to send: to where the connection leads now, with the credential that belongs there. Nothing is awaited between the last
 * look at the connection and the return. Gives the permit back if the request cannot be made.
 * @throws (rejects) SluiceError `credential_unavailable`
 */
export async function readyToSend(
  deps: AdmissionDeps & CredentialDeps,
  permitted: PermittedCall,
  body: () => Buffer | Readable | null,
): Promise<Result<ReadyCall>> {
  let call = permitted
  let ready: ReadyCall | undefined
  try {
    for (let attempt = 1; attempt <= MAX_ATTEMPTS && ready === undefined; attempt++) {
      const current = admitAgain(deps, call)
      if (current.status !== 'ok') return current
      call = current.value
      const credential = credentialOf(deps, call.connection)
      const hasWaited = credential instanceof Promise
      const secrets = hasWaited ? await credential : credential
      if (secrets === 'superseded') continue
      const request = upstreamRequest(call, secrets, body())
      const signs = call.connection.adapter.signing === 'sigv4'
      const signed = signs ? await signedRequest(deps.signer, call, request) : { request, secrets }
      if ((!hasWaited && !signs) || isCurrent(deps, call)) ready = { call, ...signed }
    }
    return ready === undefined ? changesTooFast(call) : ok(ready)
  } finally {
    if (ready === undefined) permitted.permit.settle(NOTHING_USED)
  }
}

function isCurrent(deps: AdmissionDeps, call: PermittedCall): boolean {
  const current = admitAgain(deps, call)
  return current.status === 'ok' && current.value === call
}

/** Each further attempt finds that the connection has changed while its credential was fetched. */
const MAX_ATTEMPTS = 5

function changesTooFast({ connection }: PermittedCall): Refused {
  const message = `Connection "${connection.settings.name}" changes faster than it can be used.`
  return refused(gatewayError('unavailable', message))
}

/** Returns the secrets to call the provider with; none if the provider needs no stored credential. */
function credentialOf(
  { credentials }: Pick<CredentialDeps, 'credentials'>,
  { settings, credentialVersions }: UsableConnection,
): ReturnType<Credentials['get']> {
  return credentialVersions === undefined ? NO_SECRETS : credentials.get(settings.id, credentialVersions)
}

export const NO_SECRETS: CredentialSecrets = {}

/** Returns what to send to the provider for a call. @param body a stream is as long as the request's headers say */
function upstreamRequest(
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

/**
 * Signs the request of a call whose provider takes it only with a signature over the whole of it.
 * @throws (rejects) SluiceError `credential_unavailable` when no session can be had
 */
function signedRequest(
  signer: RequestSigner,
  { connection }: PermittedCall,
  { body, ...outgoing }: UpstreamRequest,
): Promise<SignedRequest> {
  if (body !== null && !(body instanceof Buffer)) throw new TypeError('a body that is streamed on cannot be signed')
  return signer.sign(connection.settings, { ...outgoing, body })
}
