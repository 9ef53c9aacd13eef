import type { EgressPolicy } from '@sluice/egress'
import type { ProbeTarget } from '../../ports/provider-probe.ts'

/**
 * Asks one provider whether it takes a connection, through the provider's SDK. Resolves with the ids of the provider's models,
 * undefined where it does not list them; rejects with a `ProbeFailure` or whatever the SDK rejects with.
 */
export type Probe = (target: ProbeTarget, means: ProbeMeans) => Promise<readonly string[] | undefined>

/** What a probe reaches its provider with. */
export interface ProbeMeans {
  /** Enforces the egress policy, and follows no redirect. */
  readonly fetch: typeof globalThis.fetch
  /** For SDKs that take no `fetch`. */
  readonly egressPolicy: EgressPolicy
  /** Ends the test. */
  readonly signal: AbortSignal
  /** Has a further secret, such as one that the provider handed out, redacted from the result. */
  readonly addSecret: (secret: string) => void
}
