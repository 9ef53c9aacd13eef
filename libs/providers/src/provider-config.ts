import { SluiceError } from '@sluice/contracts'
import type { ProviderConfig, SecretHolder } from './provider-adapter.ts'

/**
 * Returns the config's `baseUrl`, else the provider's own. Removes empty segments, a trailing slash and white space
 * around it, which older connections may have stored.
 */
export function configuredBaseUrl(config: ProviderConfig, ownUrl: string): string {
  if (typeof config.baseUrl !== 'string') return ownUrl
  return config.baseUrl
    .trim()
    .replace(/(?<!:)\/{2,}/g, '/')
    .replace(/\/$/, '')
}

/**
 * Removes a suffix of the URL's path, however often it is repeated: every path of the provider begins with it again.
 */
export function withoutEnd(url: string, end: RegExp): string {
  let rest = url
  while (end.test(rest)) rest = rest.replace(end, '')
  return rest
}

/** Returns a secret field of the config. @throws SluiceError `credential_unavailable` when there is no such field */
export function revealField(config: ProviderConfig, name: string): string {
  const field = config[name]
  if (isSecretHolder(field)) return field.reveal()
  throw new SluiceError('credential_unavailable', `the connection's credential has no ${name}`)
}

function isSecretHolder(field: unknown): field is SecretHolder {
  return typeof field === 'object' && field !== null && 'reveal' in field && typeof field.reveal === 'function'
}
