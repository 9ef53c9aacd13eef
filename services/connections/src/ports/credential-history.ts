import type { RecordedVersion } from '../domain/credential-version.ts'
import type { StoredCredential } from './connection-store.ts'

/**
 * The versions of the connections' credentials, those of the past too. Every method throws SluiceError `unavailable` when the store
 * cannot be reached.
 */
export interface CredentialHistory {
  /** Those below `before`, descending. */
  list(
    connectionId: string,
    page: { readonly before: number; readonly limit: number },
  ): Promise<readonly RecordedVersion[]>
  /** Undefined when there is no such version. */
  find(
    connectionId: string,
    version: number,
  ): Promise<{ readonly recorded: RecordedVersion; readonly stored: StoredCredential } | undefined>
  /** Destroys the envelopes of the versions that were replaced at `instant` or before; tells which they were. */
  destroyReplacedBefore(instant: Date): Promise<readonly { readonly connectionId: string; readonly version: number }[]>
}
