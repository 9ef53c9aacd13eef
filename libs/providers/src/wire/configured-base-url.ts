import type { ProviderConfig } from '../provider-adapter.ts'

/**
 * Returns the config's `baseUrl` or else the provider's own, without empty segments, and slashes and white space around it, with which some may
 * have been stored.
 */
export function configuredBaseUrl(config: ProviderConfig, ownUrl: string): string {
  if (typeof config.baseUrl !== 'string') return ownUrl
  return config.baseUrl
    .trim()
    .replace(/(?<!:)\/{2,}/g, '/')
    .replace(/\/$/, '')
}

/** Returns the URL without what its path ends with, however often: for what every path of the provider begins with again. */
export function withoutEnd(url: string, end: RegExp): string {
  let rest = url
  while (end.test(rest)) rest = rest.replace(end, '')
  return rest
}
