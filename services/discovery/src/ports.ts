import type { DiscoveredLimit, ProjectedConnection } from '@sluice/contracts'
import type { BedrockRole } from '@sluice/providers'
import type { LimitChange } from './learn/learn.ts'
import type { LimitReading } from './learn/limit-reading.ts'
import type { AccountQuota } from './quotas/quota-readings.ts'

/** Keeps the discovered limits and their history. */
export interface LimitStore {
  /**
   * Learns from the readings: all of it is stored, or nothing. Readings of one connection are learnt one call after the
   * other, whoever calls. Returns the changes of limits, which are stored as history. Of a connection with very many limits those
   * that were seen last are kept, {@link MAX_KEPT_LIMITS}; of one limit the newest {@link MAX_KEPT_CHANGES} changes.
   * @throws UnprocessableMessageError when they can never be stored; after any other error it may be tried again,
   *   SluiceError `unavailable` that the store is away
   */
  learn(readings: readonly LimitReading[]): Promise<readonly LimitChange[]>
  /**
   * The limits of each connection by model and dimension; of one that has more than `MAX_LISTED_LIMITS`, those that were
   * seen last.
   * @throws SluiceError `unavailable` while the store is away
   */
  limitsOf(connectionIds: readonly string[]): Promise<ReadonlyMap<string, DiscoveredLimit[]>>
  /** Erases all limits of these connections, and their history. */
  forget(connectionIds: readonly string[]): Promise<void>
  /** Those that something is stored of. */
  connectionIds(): Promise<string[]>
}

/** So many limits fit into one message of 1 MiB (NATS' default), however long their names are. */
export const MAX_LISTED_LIMITS = 500

/** More than an account has models: whoever makes names of models up fills no disk. */
export const MAX_KEPT_LIMITS = 5_000
/** A provider that tells another limit with each answer fills no disk. */
export const MAX_KEPT_CHANGES = 1_000


/** Shows the discovered limits of each connection to the other services. */
export interface LimitProjection {
  /**
   * Makes the entries of these connections what the store says of them; one that it knows nothing of has none. Safe against
   * others who do so at the same time.
   */
  refresh(connectionIds: readonly string[]): Promise<void>
  /** Those that have an entry now. */
  connectionIds(): Promise<string[]>
}

/** Which connections there are. */
export interface KnownConnections {
  /** Whether the connection is there at this moment; one that was deleted never comes back. */
  exists(connectionId: string): Promise<boolean>
  /**
   * The connection as it is now, if it is there.
   * @throws SluiceError `internal` when it cannot be read
   */
  find(connectionId: string): Promise<ProjectedConnection | undefined>
}

/** Where the provider tells an account's quotas. */
export interface QuotaSource {
  /**
   * Everything that the role's account has quotas of, in the role's region.
   * @throws SluiceError `forbidden` when the role may not be assumed or may not read them, `rate_limited`, `upstream_unreachable`, or
   *   `unavailable` when the service has no identity to assume roles with
   */
  quotasOf(role: BedrockRole): Promise<readonly AccountQuota[]>
}
