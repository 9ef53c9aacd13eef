import type { EgressPolicy } from '@sluice/providers'
import type { ProbeTarget } from '../../ports/provider-probe.ts'

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
