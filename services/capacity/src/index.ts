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
import { createRecordCheck, createPermitProbe } from './commit/store-check.ts'
import { followDiscovered, createWatchedLimits } from './commit/watched-limits.ts'
import type { CapacityConfig } from './config.ts'
import { servePermits, serveHealth } from './endpoints.ts'
import type { LostSpan } from './record/lost-charges.ts'
import { isSpent } from './record/record.ts'
import { retryStart } from './start-retry.ts'

export { CapacityConfig } from './config.ts'

/** Starts a capacity instance; resolves when it answers. */
export async function start(config: CapacityConfig, logger: Logger): Promise<Service> {
  const instance = config.CAPACITY_INSTANCE ?? randomUUID()
  const outage = outageLog(logger, {
    begins: 'NATS does not store the counters: no permits are given',
    ends: 'NATS stores the counters again',
  })
  const onFault = (err: unknown, subject?: string) => {
    // Each request meets the same fault while the store is away.
    if (err instanceof SluiceError && err.code === 'unavailable') outage.fault(err)
    else logger.error({ err, subject }, 'fault')
  }
  const bus = await connectBus({
    ...busOptions(config, `capacity ${instance}`, logger),
    // Two of an exchange's own time-outs: a lost write must not hold up the connection's other exchanges.
    jetstreamTimeoutMs: 1_000,
  })
  const answered = <T>(ask: () => Promise<T>): Promise<T> =>
    retryStart(ask, (err) => logger.warn({ err }, 'NATS does not answer in time. Capacity asks again.'))
  const connections = await answered(() => openBucket(bus, connectionProjection))
  const buckets = await answered(() => openOwnBuckets(bus))
  const { records, members, marks, found } = buckets
  /** Absent while it starts: nothing is trusted yet. */
  let distrust: (() => void) | undefined
  const bootId = await readBootId(config.BOOT_ID_FILE)
  const joining: MembershipOptions = {
    members,
    marks,
    found,
    instance,
    bootId,
    // Where losses are not made up for, none is suspected.
    syncIntervalMs: config.ASSUME_LOST_AS_USED ? config.NATS_SYNC_INTERVAL_MS : 0,
    losesWholeRecords: keepsIndexApart(bus.connection.info?.version ?? OLDEST_SERVER),
    monotonicMs: sinceBootMs,
    onFault,
    onSuspected: (span) => {
      if (!config.ASSUME_LOST_AS_USED) return
      logger.warn(
        span,
        'Counters may be missing: the machine of NATS was not shut down in order, or their bucket was made again. Charges that may have been lost count as used.',
      )
    },
    onCleared: (bucket) => logger.warn({ bucket }, 'NATS did not give back what it stored. The bucket was cleared.'),
    onBucketGone: () => distrust?.(),
    onStep: (stepMs) => logger.warn({ stepMs }, 'The clock of the NATS server stepped. Capacity does not follow it.'),
  }
  const membership = await answered(() => joinMembers(joining))
  const limits = createWatchedLimits(connections, onFault)
  const check = createRecordCheck({
    records,
    membership,
    buckets,
    onCleared: (kept) =>
      logger.warn(
        { kept },
        'NATS did not give back the counters that it stored. They were cleared, and stored again where they could be read. What the others may have counted counts as used.',
      ),
  })
  const store = createKvRecordStore(records, check, outage.success)
  const counters = createConnectionCounters({
    store,
    limits,
    clock: membership.clock,
    ...(config.ASSUME_LOST_AS_USED ? { losses: lossPolicy(membership.suspectedLoss, logger) } : {}),
  })
  // A store that comes back may be an older state of itself, under the same revisions.
  distrust = () => {
    counters.distrust()
    // Looked at now, so that the first request does not have to wait for it.
    store.checked().catch(onFault)
  }
  const stopDistrusting = bus.onReconnect(distrust)
  await answered(limits.follow)
  const discovered = await followDiscovered(bus, limits, onFault)
  // Where NATS is far, this takes longer than a request may.
  await answered(store.checked)
  const stopServing = servePermits(bus, counters, instance, onFault)
  const erasing = startErasingDeleted({
    bus,
    records,
    connections,
    isThere: (connectionId) => limits.limitsFor(connectionId) !== undefined,
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
  const losses = counter('capacity.losses', 'Records found to lack charges that the store lost.')
  losses.add(0)
  return {
    suspected,
    onLoss: (connectionId, loss) => {
      losses.add(1)
      logger.warn({ connectionId, ...loss }, 'The store lost charges. What may have been charged counts as used.')
    },
  }
}

/** Where a server does not say its version. */
const OLDEST_SERVER = '0'
/** A record that nobody asked for in one such span leaves memory in the next. */
const IDLE_MS = 60_000
