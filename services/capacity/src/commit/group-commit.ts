/**
 * Group commit: one connection's permit batches, decided together and stored with one compare-and-set.
 *
 * All batches that wait are decided on the record, which is written if it is still the version that was read; only
 * then are the replies sent. Exactness rests on that condition alone: which instance serves a connection is a matter
 * of speed.
 *
 * A **conflict** means that another instance wrote first: the batches are decided again at once, on what it wrote. The
 * {@link MAX_CONFLICTS}th fails them.
 *
 * A **fault** (no confirmation, no responder, no room) is not a conflict. The record is read once: if the write was
 * carried out after all, the sequence numbers in it say so. Otherwise the write is tried again with exponential
 * back-off and jitter for as long as gateways wait for a reply, and then the batches fail with {@link
 * CommitFailedError}. Gateways repeat them, and a repeat is applied once.
 */
import { setTimeout as sleepMs } from 'node:timers/promises'
import { type PermitBatchReply, type PermitBatchRequest, permitBatch, SluiceError } from '@sluice/contracts'
import { type Decision, decide, type StoreDoubts } from '../decide/decide.ts'
import { isOlder, type LostSpan } from '../record/lost-charges.ts'
import type { CapacityRecord, Loss, RecordVersion } from '../record/record.ts'
import type { Clock } from './clock.ts'
import type { RecordStore } from './record-store.ts'
import type { LimitsSource } from './watched-limits.ts'

/** One connection's counters, as this instance serves them. */
export interface GroupCommit {
  /**
   * Decides the batch together with all others that wait, and replies when the decision is stored.
   * @throws CommitFailedError when the decision could not be stored: the batch may have been applied, and must be repeated
   * @throws SluiceError `connection_not_found`; `stale_permit_batch`; `unavailable` when the record could not be read
   */
  apply(batch: PermitBatchRequest): Promise<PermitBatchReply>
  /** Reads the record again before the next decision: the store may have been rolled back. */
  distrust(): void
  /** True when no batch waits or is being decided. */
  isIdle(): boolean
}

export interface GroupCommitDeps {
  readonly store: RecordStore
  readonly limits: LimitsSource
  readonly clock: Clock
  /** How charges that the store lost are made up for; absent: the store is trusted. */
  readonly losses?: LossPolicy
  /** Waits between two writes; absent: a timer. */
  readonly sleep?: (durationMs: number) => Promise<void>
}

export interface LossPolicy {
  /** Returns the span in which every record may lack charges since a power cut; undefined when none is suspected. */
  readonly suspected: () => LostSpan | undefined
  /** Called when a record lacked charges and was made up for. */
  readonly onLoss: (connectionId: string, loss: Loss) => void
}

/** The store did not take a decision in time. The message is the store's reason. */
export class CommitFailedError extends SluiceError {
  override readonly name = 'CommitFailedError'
  /** How often a write was tried. */
  readonly writes: number

  constructor(cause: unknown, writes: number) {
    const reason = cause instanceof SluiceError ? cause.message : 'the counters cannot be stored'
    super('unavailable', reason, { cause })
    this.writes = writes
  }
}

interface Waiting {
  readonly batch: PermitBatchRequest
  readonly resolve: (reply: PermitBatchReply) => void
  readonly reject: (error: SluiceError) => void
}

export function createGroupCommit(connectionId: string, deps: GroupCommitDeps): GroupCommit {
  const { store, limits, clock, losses, sleep = timer } = deps
  let waiting: Waiting[] = []
  let running = false
  /** The version last read or written here. Another instance may have written since. */
  let known: RecordVersion | undefined
  /** The newest version this instance has seen. A store that has an older one was rolled back. */
  let newest: RecordVersion | undefined
  /** Counts the reasons to distrust `known`, so that a write begun before one of them restores no trust. */
  let distrusted = 0

  const run = async (): Promise<void> => {
    while (waiting.length > 0) {
      const group = waiting
      waiting = []
      try {
        await commit(group)
      } catch (cause) {
        known = undefined
        const error = asUnavailable(cause)
        for (const { reject } of group) reject(error)
      }
    }
    running = false
  }

  const commit = async (group: readonly Waiting[]): Promise<void> => {
    const batches = group.map(({ batch }) => batch)
    // Another instance may have applied a repeated batch since this one read the record.
    if (batches.some(({ repeat }) => repeat)) known = undefined
    const startedAtMs = clock.nowMs()
    let conflicts = 0
    let faults = 0
    /** How long to wait before the next write, once the record was looked at. */
    let backOffMs = 0
    for (;;) {
      const distrustedBefore = distrusted
      const { version, decision } = await decideAll(batches)
      // Nothing to write: all was denied, or the record already has it, as after a write that was not confirmed.
      if (decision.record === version.record) return reply(group, decision)
      if (backOffMs > 0) {
        await sleep(backOffMs)
        backOffMs = 0
        // Decided again, as permits would be charged at an instant that has passed.
        continue
      }
      // A store that was rolled back may have given the version's revision to another state.
      if (distrusted !== distrustedBefore) continue
      const saved = await save(decision.record, version.revision)
      known = undefined
      if (saved.status === 'stored') {
        newest = { record: decision.record, revision: saved.revision }
        if (distrusted === distrustedBefore) known = newest
        if (decision.loss !== undefined) losses?.onLoss(connectionId, decision.loss)
        return reply(group, decision)
      }
      if (saved.status === 'conflict') {
        if (++conflicts < MAX_CONFLICTS) continue
        // If no other instance wrote, the store contradicts itself.
        store.doubt()
        throw new SluiceError('unavailable', 'other instances kept writing the counters first')
      }
      backOffMs = jittered(FIRST_BACK_OFF_MS * 2 ** faults)
      faults++
      // By then the gateways have begun to repeat, and a repeat reads the record first.
      if (clock.nowMs() - startedAtMs + backOffMs > permitBatch.timeoutMs) {
        throw new CommitFailedError(saved.error, faults + conflicts)
      }
    }
  }

  const decideAll = async (batches: readonly PermitBatchRequest[]) => {
    const distrustedBefore = distrusted
    const version = known ?? (await store.load(connectionId))
    if (distrusted === distrustedBefore) known = version
    const newestSeen = newest
    if (!isOlder(version, newest)) newest = version
    const enforced = limits.limitsFor(connectionId) ?? (await limits.lookUp(connectionId))
    if (enforced === undefined) throw new SluiceError('connection_not_found', 'there is no such connection')
    const doubts: StoreDoubts | undefined = losses && { suspected: losses.suspected(), newestSeen }
    const options = { connectionId, limits: enforced, nowMs: clock.nowMs() }
    return { version, decision: decide(version, batches, doubts === undefined ? options : { ...options, doubts }) }
  }

  const save = async (record: CapacityRecord, expectedRevision: number) => {
    try {
      return await store.save(connectionId, record, expectedRevision)
    } catch (error) {
      return { status: 'fault' as const, error }
    }
  }

  return {
    apply: (batch) =>
      new Promise((resolve, reject) => {
        waiting.push({ batch, resolve, reject })
        if (running) return
        running = true
        // Batches that arrived in the same read from the network belong to the same group.
        queueMicrotask(() => void run())
      }),
    distrust: () => {
      distrusted++
      known = undefined
    },
    isIdle: () => !running,
  }
}

function reply(group: readonly Waiting[], { outcomes }: Decision): void {
  for (const [index, { resolve, reject }] of group.entries()) {
    const outcome = outcomes[index]
    if (outcome?.status === 'decided') resolve(outcome.reply)
    else reject(new SluiceError('stale_permit_batch', 'the session has applied later batches, or this one is too old'))
  }
}

function asUnavailable(cause: unknown): SluiceError {
  if (cause instanceof SluiceError) return cause
  return new SluiceError('unavailable', 'the counters cannot be read', { cause })
}

/** Between half of the duration and all of it, so that instances do not retry in step. */
function jittered(durationMs: number): number {
  return durationMs * (0.5 + Math.random() / 2)
}

async function timer(durationMs: number): Promise<void> {
  await sleepMs(durationMs)
}

const FIRST_BACK_OFF_MS = 25
/** The conflict with this number fails the group: after so many lost races something else is wrong. */
const MAX_CONFLICTS = 20
