import { type ProviderId, SluiceError } from '@sluice/contracts'
import type { EgressPolicy } from '@sluice/egress'
import { type ProviderConfig, providerAdapter } from '@sluice/providers'
import { Secret } from '@sluice/service-kit'
import { ProbeFailure } from './probe-failure.ts'

/** The tested connection, as far as its provider sees it. */
export interface ProbeTarget {
  readonly provider: ProviderId
  /** With the secret fields, each in a `Secret`. */
  readonly config: ProviderConfig
  readonly allowedModels?: readonly string[]
}

/**
 * Tests whether one provider accepts a connection. Resolves with the ids of the provider's models, or undefined if it
 * does not list them; rejects with a `ProbeFailure` or whatever the provider's SDK rejects with.
 */
export type Probe = (target: ProbeTarget, means: ProbeMeans) => Promise<readonly string[] | undefined>

/** The means by which a probe reaches its provider. */
export interface ProbeMeans {
  /** Enforces the egress policy, and follows no redirect. */
  readonly fetch: typeof globalThis.fetch
  /** For SDKs that take no `fetch`. */
  readonly egressPolicy: EgressPolicy
  /** Ends the test. */
  readonly signal: AbortSignal
  /** Adds another secret to redact from the result, such as one that the provider issued. */
  readonly addSecret: (secret: string) => void
}

/** @throws SluiceError `credential_unavailable` when the config has no such secret field */
export function secretText(config: ProviderConfig, field: string): string {
  const secret = config[field]
  if (secret instanceof Secret) return secret.reveal()
  throw new SluiceError('credential_unavailable', `the connection's credential has no ${field}`)
}

/** Returns null when there is no such field, which keeps the SDKs from reading it from the environment. */
export function textOrNull(config: ProviderConfig, field: string): string | null {
  const text = config[field]
  return typeof text === 'string' ? text : null
}

/** Returns the URL at which gateways reach the connection's provider. */
export function baseUrlOf(provider: ProviderId, config: ProviderConfig): string {
  return providerAdapter(provider).baseUrl(config)
}

/**
 * Returns the ids in a list of models. Every provider lists at least one: another response is not the provider's.
 * @param models as the SDK returned it, not validated
 * @param field that has a model's id
 */
export function modelIds(models: unknown, field: 'id' | 'name' = 'id'): string[] {
  const listed: unknown[] = Array.isArray(models) ? models : []
  const ids = listed.flatMap((model) => {
    const id =
      typeof model === 'object' && model !== null
        ? Object.entries(model).find(([name]) => name === field)?.[1]
        : undefined
    return typeof id === 'string' ? [id] : []
  })
  if (ids.length > 0) return ids
  throw new ProbeFailure('provider_error', 'The response contains no list of models. Check the base URL.')
}

/** Returns the model to call for a connection: the first that `allowedModels` names in full, without a `*`. */
export function modelToTry(allowedModels: readonly string[] = []): string | undefined {
  return allowedModels.find((pattern) => !pattern.includes('*'))
}
