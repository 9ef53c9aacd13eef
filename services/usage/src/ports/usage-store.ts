import type { RequestOf, ResponseBatch, usageQuery } from '@sluice/contracts'
import type { UsageCells } from '../domain/usage-cells.ts'

export type UsageQuery = RequestOf<typeof usageQuery>

/** Keeps what requests used, added up by minute, and what is older by hour and by day. */
export interface UsageStore {
  /**
   * Adds the batches' events up, each batch once: one whose name (gateway and number) was recorded before adds nothing.
   * All of it is stored, or nothing.
   * @throws UnstorableError when it cannot be stored as it is; any other error means that it may be tried again
   */
  record(batches: readonly ResponseBatch[]): Promise<void>
  /** Whether a batch of this name was recorded; true as well for one that can never be stored. */
  hasRecorded(batch: Pick<ResponseBatch, 'gateway' | 'batch'>): Promise<boolean>
  /**
   * What is stored for the query by time and group, at most `maxCells` cells of each kind.
   * @throws SluiceError `unavailable` while the store is away, `invalid_request` for an instant or a name that it can hold none of
   */
  cells(query: UsageQuery, maxCells: number): Promise<UsageCells>
}

/** What keeps the store in order as time goes by. Any number of instances may do it, and be interrupted anywhere. */
export interface UsageUpkeep {
  /**
   * Adds what is old enough to the next coarser granularity, and drops what is older than everything that is kept. Once the signal is
   * aborted, what is left is left for the next time.
   */
  downsample(signal?: AbortSignal): Promise<void>
  /** Forgets which batches came from gateways that have recorded nothing for `ageMs`. Returns of how many gateways. */
  forgetGateways(ageMs: number): Promise<number>
}

/** What was given can never be stored, however often it is tried: a number out of range, text that the store has no place for. */
export class UnstorableError extends Error {
  override readonly name = 'UnstorableError'
}
