import { type ConnectionTest, type ProviderId, SluiceError } from '@sluice/contracts'
import { type EgressPolicy, type ProviderConfig, providerAdapter } from '@sluice/providers'
import { Secret } from '@sluice/service-kit'
import { ProbeFailure } from './probe-failure.ts'

/** What is tried: a connection as far as its provider sees it. */
export interface ProbeTarget {
  readonly provider: ProviderId
  /** With the secret fields, each in a `Secret`. */
  readonly config: ProviderConfig
  readonly allowedModels?: readonly string[]
}

/** Calls providers to see whether they take a connection. */
export interface ProviderProbe {
  /**
   * The provider's answer, a refusal too. No credential is in it, whatever the provider answered.
   * @throws SluiceError `rate_limited` when as many tests as may be are under way, `unavailable` when the service stops
   */
  test(target: ProbeTarget): Promise<ConnectionTest>
}

/**
 * Asks one provider whether it takes a connection, through the provider's SDK. Resolves with the ids of the provider's models,
 * undefined where it does not list them; rejects with a `ProbeFailure` or whatever the SDK rejects with.
 */
export type Probe = (target: ProbeTarget, means: ProbeMeans) => Promise<readonly string[] | undefined>

/** What a probe reaches its provider with. */
export interface ProbeMeans {
  /** Connects through the gate, and follows no redirect. */
  readonly fetch: typeof globalThis.fetch
  /** Has what is sent inside with the global `fetch` connect through the gate, too. */
  readonly inGate: <T>(work: () => Promise<T>) => Promise<T>
  /** For whoever connects without `fetch`. */
  readonly gate: EgressPolicy
  /** Ends the test. */
  readonly signal: AbortSignal
  /** Keeps a further secret, such as one that the provider handed out, from being shown. */
  readonly conceal: (secret: string) => void
}

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

/**
 * The ids in a list of models, as an SDK gives it. No provider lists none: whoever answers so is not the provider.
 * @param models whatever came @param field where a model has its id
 */
export function modelIds(models: unknown, field: 'id' | 'name' = 'id'): string[] {
  const listed: unknown[] = Array.isArray(models) ? models : []
  const ids = listed.flatMap((model) => {
    const id =
      typeof model === 'object' && model !== null ? (model as Readonly<Record<string, unknown>>)[field] : undefined
    return typeof id === 'string' ? [id] : []
  })
  if (ids.length > 0) return ids
  throw new ProbeFailure('provider_error', 'There was an answer, but no list of models in it. Is the base URL right?')
}

/** The model to call for a connection: the first that `allowedModels` names in full, without a `*`. */
export function modelToTry(allowedModels: readonly string[] = []): string | undefined {
  return allowedModels.find((pattern) => !pattern.includes('*'))
}
