import type { DiscoveredLimit } from '@sluice/contracts'
import type { LimitChange } from '../domain/learn.ts'
import type { LimitReading } from '../domain/limit-reading.ts'

/** Keeps the discovered limits and their history. */
export interface LimitStore {
  /**
   * Learns from the readings: all of it is stored, or nothing. Readings of one connection are learnt one call after the
   * other, whoever calls. Returns the changes of limits, which are stored as history. Of a connection with very many limits those
   * that were seen last are kept, {@link MAX_KEPT_LIMITS}; of one limit the newest {@link MAX_KEPT_CHANGES} changes.
   * @throws UnstorableError when they cannot be stored as they are; any other error means that it may be tried again,
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

/** What was given can never be stored, however often it is tried: a number out of range, text that the store has no place for. */
export class UnstorableError extends Error {
  override readonly name = 'UnstorableError'
}
