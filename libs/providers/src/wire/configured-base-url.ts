import type { ProviderConfig } from '../provider-adapter.ts'

/** The config's `baseUrl` or else the provider's own, without slashes at the end. */
export function configuredBaseUrl(config: ProviderConfig, ownUrl: string): string {
  return typeof config.baseUrl === 'string' ? config.baseUrl.replace(/\/+$/, '') : ownUrl
}
