import { randomUUID } from 'node:crypto'
import { capacityMembers, capacityRecords, connectionProjection } from '@sluice/contracts'
import { connectBus, openBucket } from '@sluice/messaging'
import { busOptions, type Logger, type Service } from '@sluice/service-kit'
import { eraseDeleted } from './adapters/erase-deleted.ts'
import { followDiscovered } from './adapters/follow-discovered.ts'
import { kvRecordStore } from './adapters/kv-record-store.ts'
import { joinMembers } from './adapters/membership.ts'
import { watchedLimits } from './adapters/watched-limits.ts'
import { connectionCounters } from './application/connection-counters.ts'
import type { CapacityConfig } from './config.ts'
import { serveCapacity } from './handlers/serve-capacity.ts'
import { probeOf, serveHealth } from './handlers/serve-health.ts'

export { CapacityConfig } from './config.ts'

/** Starts a capacity instance; resolves when it answers. */
export async function start(config: CapacityConfig, logger: Logger): Promise<Service> {
  const instance = config.CAPACITY_INSTANCE ?? randomUUID()
  const onFault = (err: unknown, subject?: string) => logger.error({ err, subject }, 'fault')
  const bus = await connectBus({
    ...busOptions(config, `capacity ${instance}`, logger),
    // Two of an exchange's own time-outs: a lost write must not hold up the connection's other exchanges.
    jetstreamTimeoutMs: 1_000,
  })
  const [connections, records, members] = await Promise.all([
    openBucket(bus, connectionProjection),
    openBucket(bus, capacityRecords),
    openBucket(bus, capacityMembers),
  ])
  const startedAtMs = Date.now()
  const membership = await joinMembers(members, { instance, startedAtMs }, () => performance.now(), onFault)
  const limits = watchedLimits(connections, onFault)
  const counters = connectionCounters({ store: kvRecordStore(records), limits, clock: membership.clock })
  await limits.follow((connectionId) => void counters.forget(connectionId).catch(onFault))
  const discovered = await followDiscovered(bus, limits, onFault)
  const stopServing = serveCapacity(bus, counters, instance, onFault)
  const erasing = eraseDeleted({
    bus,
    records,
    connections,
    isThere: (connectionId) => limits.limitsFor(connectionId) !== undefined,
    erase: counters.forget,
    onFault,
  })
  const health = serveHealth(bus, probeOf(records), onFault)
  const releasing = setInterval(() => counters.releaseIdle(), IDLE_MS)
  await bus.connection.flush()
  logger.info({ instance }, 'serving capacity')

  return {
    stop: async () => {
      await membership.leave().catch(onFault)
      await Promise.all([stopServing(), health.stop()])
      clearInterval(releasing)
      await erasing.stop()
      discovered.stop()
      limits.stop()
      await bus.close()
    },
  }
}

/** A record that nobody asked for in one such span leaves memory in the next. */
const IDLE_MS = 60_000
