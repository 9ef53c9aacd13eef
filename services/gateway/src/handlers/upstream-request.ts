import type { Readable } from 'node:stream'
import type { UsableConnection } from '../domain/connection.ts'
import { requestHeaders } from '../domain/forwarded-headers.ts'
import type { CredentialSecrets, Credentials } from '../ports/credentials.ts'
import type { DataPlane } from '../ports/data-plane.ts'
import type { UpstreamRequest } from '../ports/upstream.ts'
import type { Call } from './call.ts'

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
