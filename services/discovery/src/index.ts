import {
  backgroundResponses,
  connectionProjection,
  discovered,
  discoveredChanged,
  discoveryStatus,
  learnedModels,
  listDiscovered,
  type ProviderId,
  type RateLimitReading,
  refreshDiscovered,
  responses,
} from '@sluice/contracts'
import { connectBus, consume, ensureStream, openBucket, publishEvent, serve } from '@sluice/messaging'
import { migrate, openDatabase, postgresDeadLetters } from '@sluice/postgres'
import { busOptions, counter, type Logger, outageLog, type Service } from '@sluice/service-kit'
import type { DiscoveryConfig } from './config.ts'
import type { LimitChange } from './learn/learn.ts'
import { UnreadableTally, unreadableLog } from './learn/unreadable.ts'
import { learnFromResponses } from './learn-from-responses.ts'
import type { LimitStore } from './ports.ts'
import { refreshFromQuotas } from './quotas/refresh-from-quotas.ts'
import { serviceQuotas } from './quotas/service-quotas.ts'
import { forgetConnections } from './store/forget-connections.ts'
import { watchConnections } from './store/known-connections.ts'
import { kvLimitProjection } from './store/limit-projection.ts'
import { postgresLimitStore } from './store/limit-store.ts'
import { MIGRATIONS, type Tables } from './store/schema.ts'

export { DiscoveryConfig } from './config.ts'

/**
 * Starts the discovery service: it learns the providers' limits from every response event, and on request from AWS
 * Service Quotas, and lists them. Resolves when it does all of that; until then it waits for PostgreSQL and NATS. A
 * connection's limits are erased when the connection is deleted. Any number of instances share the work.
 */
export async function start(config: DiscoveryConfig, logger: Logger): Promise<Service> {
  const url = config.DATABASE_URL
  await migrate({ url, schema: 'discovery', migrations: MIGRATIONS, logger })
  const db = openDatabase<Tables>({
    url,
    name: 'discovery',
    maxConnections: MAX_CONNECTIONS,
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    logger,
  })
  const store = postgresLimitStore({ db, logger })
  const bus = await connectBus(busOptions(config, 'discovery', logger))
  await ensureStream(bus, { ...responses, maxBytes: config.RESPONSES_MAX_BYTES })
  // Created for the gateways, which must not create streams: a stream's creator decides what it captures and where it
  // is copied.
  await openBucket(bus, learnedModels)
  await openBucket(bus, backgroundResponses)
  const projection = kvLimitProjection(await openBucket(bus, discovered), store)
  const outage = outageLog(logger, {
    begins: 'response events cannot be processed, retrying',
    ends: 'response events are processed again',
  })
  const forgetting = forgetConnections({
    store,
    projection,
    onFault: (error) => logger.warn({ err: error }, 'cannot erase deleted connections for now'),
  })
  const connections = await watchConnections(await openBucket(bus, connectionProjection), forgetting.forget, (error) =>
    logger.error({ err: error }, 'cannot follow the connections'),
  )
  const deadLetters = postgresDeadLetters({ db, schema: 'discovery', logger, now: Date.now })
  const unreadable = new UnreadableTally()
  const logUnreadable = unreadableLog(logger, Date.now)
  const unreadableResponses = counter('discovery.unreadable', 'Responses whose rate limit could not be parsed.')
  const learning = {
    store,
    projection,
    connections,
    forget: forgetting.forget,
    announce: (change: LimitChange) => {
      publishEvent(bus, discoveredChanged, [change.connectionId], change).catch((err: unknown) =>
        logger.warn({ err, ...change }, 'a changed limit could not be announced'),
      )
    },
    onUnreadable: (provider: ProviderId, reading: RateLimitReading) => {
      unreadable.count(provider, reading)
      unreadableResponses.add(1, { provider })
      logUnreadable(provider, reading)
    },
    now: Date.now,
  }
  const learn = learnFromResponses(learning)
  const quotas = serviceQuotas({ stsEndpoint: config.STS_ENDPOINT, endpoint: config.SERVICE_QUOTAS_ENDPOINT })
  const refresh = refreshFromQuotas({ ...learning, quotas })
  const consuming = await consume(bus, responses, {
    durable: 'discovery',
    batchMessages: BATCH_MESSAGES,
    handle: async (messages) => {
      await learn(messages)
      outage.success()
    },
    storeDeadLetter: deadLetters.store,
    onFault: outage.fault,
    onRollBack: (rollBack) =>
      logger.warn(rollBack, 'NATS lost the newest messages of the stream; what it holds is read again'),
  })
  const onFault = (error: unknown, subject: string) => logger.error({ err: error, subject }, 'request failed')
  const served = [
    serve(bus, listDiscovered, ({ connectionId }) => listed(store, connectionId), { onFault }),
    serve(bus, refreshDiscovered, ({ connectionId }) => refresh(connectionId), { onFault }),
    serve(
      bus,
      discoveryStatus,
      async () => ({ unreadable: unreadable.counts(), deadLetters: await deadLetters.summary() }),
      {
        onFault,
      },
    ),
  ]
  const remembered = new Set([...(await store.connectionIds()), ...(await projection.connectionIds())])
  for (const id of await connections.missing([...remembered])) forgetting.forget(id)
  await bus.connection.flush() // Only then does the server know the subscriptions.
  return {
    stop: async () => {
      quotas.stop()
      await Promise.all(served.map((serving) => serving.stop()))
      await consuming.stop()
      connections.stop()
      await forgetting.stop()
      await bus.close()
      await db.destroy()
    },
  }
}

async function listed(store: LimitStore, connectionId: string) {
  return { items: (await store.limitsOf([connectionId])).get(connectionId) ?? [] }
}

const MAX_CONNECTIONS = 4
const STATEMENT_TIMEOUT_MS = 10_000
const BATCH_MESSAGES = 200
