import {
  connectionProjection,
  discovered,
  discoveredChanged,
  discoveryStatus,
  listDiscovered,
  responses,
} from '@sluice/contracts'
import { connectBus, consume, ensureStream, openBucket, publishEvent, serve } from '@sluice/messaging'
import { migrate, openDatabase } from '@sluice/postgres'
import { busOptions, type Logger, outageLog, type Service } from '@sluice/service-kit'
import { kvLimitProjection } from './adapters/kv-limit-projection.ts'
import { MIGRATIONS } from './adapters/migrations.ts'
import { postgresLimitStore } from './adapters/postgres-limit-store.ts'
import { postgresSetAside } from './adapters/postgres-set-aside.ts'
import type { Tables } from './adapters/tables.ts'
import { watchConnections } from './adapters/watched-connections.ts'
import type { DiscoveryConfig } from './config.ts'
import { UnreadableTally } from './domain/unreadable-tally.ts'
import { forgetConnections } from './handlers/forget-connections.ts'
import { learnFromResponses } from './handlers/learn-from-responses.ts'
import { putAsideIn } from './handlers/put-aside.ts'
import { unreadableLog } from './handlers/unreadable-log.ts'
import type { LimitStore } from './ports/limit-store.ts'

export { DiscoveryConfig } from './config.ts'

/**
 * Starts the discovery service: it learns the providers' limits from every response event, and lists them. Resolves when it
 * does both; until then it waits for PostgreSQL and NATS. What it learnt of a connection goes when the connection is deleted. Any
 * number of instances share the work.
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
  const store = postgresLimitStore(db)
  const bus = await connectBus(busOptions(config, 'discovery'))
  await ensureStream(bus, responses)
  const projection = kvLimitProjection(await openBucket(bus, discovered), store)
  const outage = outageLog(logger)
  const forgetting = forgetConnections({
    store,
    projection,
    onFault: (error) => logger.warn({ err: error }, 'cannot erase deleted connections for now'),
  })
  const connections = await watchConnections(await openBucket(bus, connectionProjection), forgetting.forget, (error) =>
    logger.error({ err: error }, 'cannot follow the connections'),
  )
  const setAside = postgresSetAside(db)
  const putAside = putAsideIn(setAside, logger, Date.now)
  const unreadable = new UnreadableTally()
  const logUnreadable = unreadableLog(logger, Date.now)
  const learn = learnFromResponses({
    store,
    projection,
    connections,
    putAside,
    forget: forgetting.forget,
    announce: (change) => publishEvent(bus, discoveredChanged, [change.connectionId], change),
    onUnreadable: (provider, reading) => {
      unreadable.count(provider, reading)
      logUnreadable(provider, reading)
    },
    now: Date.now,
  })
  const consuming = await consume(bus, responses, {
    durable: 'discovery',
    batchMessages: BATCH_MESSAGES,
    handle: async (messages) => {
      await learn(messages)
      outage.success()
    },
    onMalformed: putAside,
    onFault: outage.fault,
  })
  const onFault = (error: unknown, subject: string) => logger.error({ err: error, subject }, 'query failed')
  const served = [
    serve(bus, listDiscovered, ({ connectionId }) => listed(store, connectionId), { onFault }),
    serve(bus, discoveryStatus, async () => ({ unreadable: unreadable.counts(), setAside: await setAside.summary() }), {
      onFault,
    }),
  ]
  const remembered = new Set([...(await store.connectionIds()), ...(await projection.connectionIds())])
  for (const id of await connections.missing([...remembered])) forgetting.forget(id)
  await bus.connection.flush() // Only then does the server know who answers.
  return {
    stop: async () => {
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
