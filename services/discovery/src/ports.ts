import type { DiscoveredLimit, ProjectedConnection } from '@sluice/contracts'
import type { BedrockRole } from '@sluice/providers'
import type { LimitChange } from './learn/learn.ts'
import type { LimitReading } from './learn/limit-reading.ts'
import type { AccountQuota } from './quotas/quota-readings.ts'

/** Stores the discovered limits and their history. */
export interface LimitStore {
  /**
   * Learns from the readings: all of it is stored, or nothing. Calls for one connection are carried out one after the
   * other, across all instances. Returns the changes of limits, which are stored as history. Of a connection with very
   * many limits, those seen last are kept, {@link MAX_KEPT_LIMITS}; of one limit the newest {@link MAX_KEPT_CHANGES}
   * changes.
   * @throws UnprocessableMessageError when they can never be stored; after any other error it may be tried again,
   *   SluiceError `unavailable` when the store is unreachable
   */
  learn(readings: readonly LimitReading[]): Promise<readonly LimitChange[]>
  /**
   * Returns the limits of each connection by model and dimension; of a connection with more than `MAX_LISTED_LIMITS`,
   * those seen last.
   * @throws SluiceError `unavailable` while the store is unreachable
   */
  limitsOf(connectionIds: readonly string[]): Promise<ReadonlyMap<string, DiscoveredLimit[]>>
  /** Erases all limits of these connections, with their history. */
  forget(connectionIds: readonly string[]): Promise<void>
  /** Returns the connections with stored limits. */
  connectionIds(): Promise<string[]>
}

/** This many limits fit into one message of 1 MiB (NATS' default), however long their names are. */
export const MAX_LISTED_LIMITS = 500

/** More than any account has: made-up model names do not fill the disk. */
export const MAX_KEPT_LIMITS = 5_000
/** A provider that reports another limit with each response does not fill the disk. */
export const MAX_KEPT_CHANGES = 1_000

/** Publishes the discovered limits of each connection to the other services. */
export interface LimitProjection {
  /**
   * Brings the entries of these connections in line with the store; a connection without limits has no entry. Safe to
   * run in several instances at the same time.
   */
  refresh(connectionIds: readonly string[]): Promise<void>
  /** Returns the connections that have an entry now. */
  connectionIds(): Promise<string[]>
}

/** The connections that exist. */
export interface KnownConnections {
  /** Returns whether the connection exists at this moment; a deleted one never returns. */
  exists(connectionId: string): Promise<boolean>
  /**
   * Returns the connection as it is now, or undefined if it does not exist.
   * @throws SluiceError `internal` when it cannot be read
   */
  find(connectionId: string): Promise<ProjectedConnection | undefined>
}

/** The source of an account's quotas. */
export interface QuotaSource {
  /**
   * Returns all quotas of the role's account in the role's region.
   * @throws SluiceError `forbidden` when the role may not be assumed or may not read them, `rate_limited`, `upstream_unreachable`, or
   *   `unavailable` when the service has no identity to assume roles with
   */
  quotasOf(role: BedrockRole): Promise<readonly AccountQuota[]>
}
