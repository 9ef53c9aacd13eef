import { SluiceError } from '@sluice/contracts'
import type { ProviderConfig, SecretHolder } from '../provider-adapter.ts'

/** @throws SluiceError `credential_unavailable` when the config has no such secret field */
export function revealField(config: ProviderConfig, name: string): string {
  const field = config[name]
  if (isSecretHolder(field)) return field.reveal()
  throw new SluiceError('credential_unavailable', `the connection's credential has no ${name}`)
}

function isSecretHolder(field: unknown): field is SecretHolder {
  return typeof field === 'object' && field !== null && 'reveal' in field && typeof field.reveal === 'function'
}
