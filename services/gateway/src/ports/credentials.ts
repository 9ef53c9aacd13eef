import type { SecretFields } from '@sluice/egress'
import type { CredentialVersions } from '../domain/connection.ts'

/** A connection's secret config fields, such as `apiKey`. */
export type CredentialSecrets = SecretFields

/** The connections' credentials, decrypted, in memory. */
export interface Credentials {
  /**
   * The credential of a connection, in the version that is asked for or, while that one is under way, in an older one that may be used in
   * its place: at once if it is held, else when it has come, with one request for all who wait. `superseded`: there are newer ones only,
   * which may be for another host; the connection is to be looked at again.
   * @throws (rejects) SluiceError `credential_unavailable` when it cannot be had
   */
  get(connectionId: string, versions: CredentialVersions): CredentialSecrets | Promise<CredentialSecrets | 'superseded'>
}
