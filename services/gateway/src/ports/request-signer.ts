import type { ProjectedConnection } from '@sluice/contracts'
import type { CredentialSecrets } from './credentials.ts'
import type { UpstreamRequest } from './upstream.ts'

/** Signs requests of connections that are reached by a role, each within a session of its own in that role. */
export interface RequestSigner {
  /** Waits until {@link sign} need not wait for a session. Never rejects: that no session can be had is told by `sign`. */
  prepare(connection: ProjectedConnection): Promise<void>
  /**
   * The request as it is to be sent, its body and every other header unchanged.
   * @throws (rejects) SluiceError `credential_unavailable` when no session can be had
   */
  sign(connection: ProjectedConnection, request: RequestToSign): Promise<SignedRequest>
}

/** A stream cannot be signed: the signature is over the whole body, and goes before it. */
export interface RequestToSign extends UpstreamRequest {
  readonly body: Buffer | null
}

export interface SignedRequest {
  readonly request: UpstreamRequest
  /** What the provider might repeat in an error. */
  readonly secrets: CredentialSecrets
}
