/** The counters of every connection that this instance serves. */
import { type CapacityStatus, type PermitBatchReply, type PermitBatchRequest, SluiceError } from '@sluice/contracts'
import { advance } from '../record/record.ts'
import { statusOf } from '../record/status.ts'
import { createGroupCommit, type GroupCommit, type GroupCommitDeps } from './group-commit.ts'

export interface ConnectionCounters {
  /** See {@link GroupCommit.apply}. */
  apply(connectionId: string, batch: PermitBatchRequest): Promise<PermitBatchReply>
  /**
   * Returns a connection's limits as they stand in the store, whichever instance serves it.
   * @throws SluiceError `connection_not_found`
   */
  status(connectionId: string): Promise<CapacityStatus>
  /** Reads every record again before its next decision, as after a lost connection to the store. */
  distrust(): void
  /** Removes the record of a deleted connection in which nothing counts any more. */
  forget(connectionId: string): Promise<void>
  /** Removes from memory the records that were not used since the last call; the store keeps them. */
  releaseIdle(): void
  /** How many connections' records are in memory. */
  readonly size: number
}

export function createConnectionCounters(deps: GroupCommitDeps): ConnectionCounters {
  const active = new Map<string, GroupCommit>()
  let usedSince = new Set<string>()

  const counterOf = (connectionId: string): GroupCommit => {
    let counter = active.get(connectionId)
    if (counter === undefined) {
      counter = createGroupCommit(connectionId, deps)
      active.set(connectionId, counter)
    }
    return counter
  }

  return {
    apply: (connectionId, batch) => {
      usedSince.add(connectionId)
      return counterOf(connectionId).apply(batch)
    },
    status: async (connectionId) => {
      const limits = deps.limits.limitsFor(connectionId) ?? (await deps.limits.lookUp(connectionId))
      if (limits === undefined) throw new SluiceError('connection_not_found', 'there is no such connection')
      const { record } = await deps.store.load(connectionId)
      return statusOf(connectionId, advance(record, deps.clock.nowMs()), limits)
    },
    distrust: () => {
      deps.store.doubt()
      for (const counter of active.values()) counter.distrust()
    },
    forget: async (connectionId) => {
      active.delete(connectionId)
      await deps.store.erase(connectionId)
    },
    releaseIdle: () => {
      for (const [connectionId, counter] of active) {
        if (!usedSince.has(connectionId) && counter.isIdle()) active.delete(connectionId)
      }
      usedSince = new Set()
    },
    get size() {
      return active.size
    },
  }
}
