import { type CapacityStatus, type PermitBatchReply, type PermitBatchRequest, SluiceError } from '@sluice/contracts'
import { advance } from '../record/record.ts'
import { statusOf } from '../record/status.ts'
import { type GroupCommit, type GroupCommitDeps, createGroupCommit } from './group-commit.ts'

/** The counters of every connection that this instance serves. */
export interface ConnectionCounters {
  apply(connectionId: string, batch: PermitBatchRequest): Promise<PermitBatchReply>
  /** How a connection's limits stand in the store, whichever instance serves it. */
  status(connectionId: string): Promise<CapacityStatus>
  /** Reads every record again before its next decision, as after a lost connection to the store. */
  distrust(): void
  /** Removes the record of a deleted connection, in which nothing counts any more. */
  forget(connectionId: string): Promise<void>
  /** Lets go of the records that were not asked for since the last call; the store keeps them. */
  releaseIdle(): void
  /** How many connections' records are in memory. */
  readonly size: number
}

export function createConnectionCounters(parts: GroupCommitDeps): ConnectionCounters {
  const active = new Map<string, GroupCommit>()
  let askedFor = new Set<string>()

  const counterOf = (connectionId: string): GroupCommit => {
    let counter = active.get(connectionId)
    if (counter === undefined) {
      counter = createGroupCommit(connectionId, parts)
      active.set(connectionId, counter)
    }
    return counter
  }

  return {
    apply: (connectionId, batch) => {
      askedFor.add(connectionId)
      return counterOf(connectionId).apply(batch)
    },
    status: async (connectionId) => {
      const limits = parts.limits.limitsFor(connectionId) ?? (await parts.limits.lookUp(connectionId))
      if (limits === undefined) throw new SluiceError('connection_not_found', 'there is no such connection')
      const { record } = await parts.store.load(connectionId)
      return statusOf(connectionId, advance(record, parts.clock.nowMs()), limits)
    },
    distrust: () => {
      parts.store.doubt()
      for (const counter of active.values()) counter.distrust()
    },
    forget: async (connectionId) => {
      active.delete(connectionId)
      await parts.store.erase(connectionId)
    },
    releaseIdle: () => {
      for (const [connectionId, counter] of active) {
        if (!askedFor.has(connectionId) && counter.isIdle()) active.delete(connectionId)
      }
      askedFor = new Set()
    },
    get size() {
      return active.size
    },
  }
}
