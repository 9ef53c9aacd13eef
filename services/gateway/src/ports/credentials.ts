import type { SecretHolder } from '@sluice/providers'

/** A connection's secret config fields, such as `apiKey`. */
export type CredentialSecrets = Readonly<Record<string, SecretHolder>>

/** The connections' credentials, decrypted, in memory. */
export interface Credentials {
  /**
   * The credential of a connection: at once if it is held, be it that of an older version while `version` is under way;
   * else when it has come, with one request for all who wait.
   * @throws (rejects) SluiceError `credential_unavailable` when it cannot be had
   */
  get(connectionId: string, version: number): CredentialSecrets | Promise<CredentialSecrets>
}
