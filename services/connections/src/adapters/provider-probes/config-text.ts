import { type ProviderId, SluiceError } from '@sluice/contracts'
import { type ProviderConfig, providerAdapter } from '@sluice/providers'
import { Secret } from '@sluice/service-kit'

/** @throws SluiceError `credential_unavailable` when the config has no such secret field */
export function secretText(config: ProviderConfig, field: string): string {
  const secret = config[field]
  if (secret instanceof Secret) return secret.reveal()
  throw new SluiceError('credential_unavailable', `the connection's credential has no ${field}`)
}

/** Null where there is no such field, which keeps the SDKs from taking one from the environment. */
export function textOrNull(config: ProviderConfig, field: string): string | null {
  const text = config[field]
  return typeof text === 'string' ? text : null
}

/** Where the gateway reaches the connection's provider, too. */
export function baseUrlOf(provider: ProviderId, config: ProviderConfig): string {
  const adapter = providerAdapter(provider)
  if (adapter === undefined) throw new SluiceError('internal', `there is no adapter for ${provider}`)
  return adapter.baseUrl(config)
}
