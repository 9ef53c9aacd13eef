import { randomUUID } from 'node:crypto'
import { connectionProjection, SluiceError } from '@sluice/contracts'
import { connectBus, openBucket } from '@sluice/messaging'
import { busOptions, counter, type Logger, outageLog, type Service } from '@sluice/service-kit'
import { openOwnBuckets } from './commit/buckets.ts'
import { readBootId, sinceBootMs } from './commit/clock.ts'
import { keepsIndexApart } from './commit/clock-start.ts'
import { createConnectionCounters } from './commit/connection-counters.ts'
import { startErasingDeleted } from './commit/erase-deleted.ts'
import type { LossPolicy } from './commit/group-commit.ts'
import { joinMembers, type MembershipOptions } from './commit/membership.ts'
import { createKvRecordStore } from './commit/record-store.ts'
import { createPermitProbe, createRecordCheck } from './commit/store-check.ts'
import { createWatchedLimits, followDiscovered } from './commit/watched-limits.ts'
import type { CapacityConfig } from './config.ts'
import { serveHealth, servePermits } from './endpoints.ts'
import type { LostSpan } from './record/lost-charges.ts'
import { isSpent } from './record/record.ts'
import { retryStart } from './start-retry.ts'

export { CapacityConfig } from './config.ts'

/** Starts a capacity instance; resolves when it serves requests. */
export async function start(config: CapacityConfig, logger: Logger): Promise<Service> {
  const instance = config.CAPACITY_INSTANCE ?? randomUUID()
  const outage = outageLog(logger, {
    begins: 'NATS does not store the counters: no permits are granted',
    ends: 'NATS stores the counters again',
  })
  const onFault = (err: unknown, subject?: string) => {
    // While the store is away, every request meets the same fault.
    if (err instanceof SluiceError && err.code === 'unavailable') outage.fault(err)
    else logger.error({ err, subject }, subject === undefined ? 'a background task failed' : 'a request failed')
  }
  const bus = await connectBus({
    ...busOptions(config, `capacity ${instance}`, logger),
    // Twice a permit batch's own time-out: a write without confirmation must not delay the connection's other batches
    // for longer.
    jetstreamTimeoutMs: 1_000,
  })
  const retried = <T>(step: () => Promise<T>): Promise<T> =>
    retryStart(step, (err) => logger.warn({ err }, 'NATS does not reply in time. Trying again.'))
  const connections = await retried(() => openBucket(bus, connectionProjection))
  const buckets = await retried(() => openOwnBuckets(bus))
  const { records, members, marks, found } = buckets
  /** Absent during the start, when nothing is trusted yet. */
  let distrust: (() => void) | undefined
  const bootId = await readBootId(config.BOOT_ID_FILE)
  const joining: MembershipOptions = {
    members,
    marks,
    found,
    instance,
    bootId,
    // If losses are not made up for, none are suspected.
    syncIntervalMs: config.ASSUME_LOST_AS_USED ? config.NATS_SYNC_INTERVAL_MS : 0,
    losesWholeRecords: keepsIndexApart(bus.connection.info?.version ?? OLDEST_SERVER),
    monotonicMs: sinceBootMs,
    onFault,
    onSuspected: (span) => {
      if (!config.ASSUME_LOST_AS_USED) return
      logger.warn(
        span,
        'Counters may be missing: the NATS machine was not shut down in order, or a bucket was made again. Charges that may have been lost count as used.',
      )
    },
    onCleared: (bucket) => logger.warn({ bucket }, 'NATS did not return what it had stored. The bucket was cleared.'),
    onBucketGone: () => distrust?.(),
    onStep: (stepMs) => logger.warn({ stepMs }, 'The clock of the NATS server stepped. The counters do not follow it.'),
  }
  const membership = await retried(() => joinMembers(joining))
  const limits = createWatchedLimits(connections, onFault)
  const check = createRecordCheck({
    records,
    membership,
    buckets,
    onCleared: (kept) =>
      logger.warn(
        { kept },
        'NATS did not return the counters that it had stored. Those that could be read were kept; what the others may have counted counts as used.',
      ),
  })
  const store = createKvRecordStore(records, check, outage.success)
  const counters = createConnectionCounters({
    store,
    limits,
    clock: membership.clock,
    ...(config.ASSUME_LOST_AS_USED ? { losses: lossPolicy(membership.suspectedLoss, logger) } : {}),
  })
  // A store that comes back may be in an earlier state, under the same revisions.
  distrust = () => {
    counters.distrust()
    // Checked now, so that the first request does not have to wait for it.
    store.checked().catch(onFault)
  }
  const stopDistrusting = bus.onReconnect(distrust)
  await retried(limits.follow)
  const discovered = await followDiscovered(bus, limits, onFault)
  // With a distant NATS this takes longer than a request may.
  await retried(store.checked)
  const stopServing = servePermits(bus, counters, instance, onFault)
  const erasing = startErasingDeleted({
    bus,
    records,
    connections,
    exists: (connectionId) => limits.limitsFor(connectionId) !== undefined,
    isSpent: async (connectionId) => isSpent((await store.load(connectionId)).record, membership.clock.nowMs()),
    erase: counters.forget,
    onFault,
  })
  const health = serveHealth(bus, createPermitProbe(records, store), membership.clock, onFault)
  const releasing = setInterval(() => counters.releaseIdle(), IDLE_MS)
  await bus.connection.flush()
  logger.info({ instance }, 'serving capacity')

  return {
    stop: async () => {
      await membership.leave().catch(onFault)
      await Promise.all([stopServing(), health.stop()])
      stopDistrusting()
      clearInterval(releasing)
      await erasing.stop()
      discovered.stop()
      limits.stop()
      await bus.close()
    },
  }
}

function lossPolicy(suspected: () => LostSpan | undefined, logger: Logger): LossPolicy {
  const losses = counter('capacity.losses', 'Records that lacked charges which the store lost.')
  losses.add(0)
  return {
    suspected,
    onLoss: (connectionId, loss) => {
      losses.add(1)
      logger.warn({ connectionId, ...loss }, 'The store lost charges. What may have been charged counts as used.')
    },
  }
}

/** Assumed of a server that does not report its version. */
const OLDEST_SERVER = '0'
/** A record that was not used for this long leaves memory after as long again at most. */
const IDLE_MS = 60_000
