import type { ConnectionTest, ProviderId } from '@sluice/contracts'
import type { ProviderConfig } from '@sluice/providers'

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
