/** Notes which version of its connection's credential the secrets are, for as long as they are held. */
export function noteCredentialVersion(secrets: object, version: number): void {
  versions.set(secrets, version)
}

/** Undefined for what is no stored credential, such as a session in an AWS role. */
export function credentialVersionOf(secrets: object): number | undefined {
  return versions.get(secrets)
}

const versions = new WeakMap<object, number>()
