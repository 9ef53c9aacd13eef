import { discovered, discoveredChanged, listDiscovered, responses } from '@sluice/contracts'
import { connectBus, consume, ensureStream, openBucket, publishEvent, serve } from '@sluice/messaging'
import { migrate, openDatabase } from '@sluice/postgres'
import { busOptions, type Logger, outageLog, type Service } from '@sluice/service-kit'
import { kvLimitProjection } from './adapters/kv-limit-projection.ts'
import { MIGRATIONS } from './adapters/migrations.ts'
import { postgresLimitStore } from './adapters/postgres-limit-store.ts'
import type { Tables } from './adapters/tables.ts'
import type { DiscoveryConfig } from './config.ts'
import { learnFromResponses } from './handlers/learn-from-responses.ts'

export { DiscoveryConfig } from './config.ts'

/**
 * Starts the discovery service: it learns the providers' limits from every response event, and lists them. Resolves when it
 * does both; until then it waits for PostgreSQL and NATS. Any number of instances share the work.
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
  const learn = learnFromResponses({
    store,
    projection: kvLimitProjection(await openBucket(bus, discovered), store),
    announce: (change) => publishEvent(bus, discoveredChanged, [change.connectionId], change),
    now: Date.now,
    logger,
  })
  const outage = outageLog(logger)
  const consuming = await consume(bus, responses, {
    durable: 'discovery',
    batchMessages: BATCH_MESSAGES,
    handle: async (messages) => {
      await learn(messages)
      outage.success()
    },
    onMalformed: (subject, streamSequence, reason) =>
      logger.error({ subject, streamSequence, reason }, 'malformed message, set aside'),
    onFault: outage.fault,
  })
  const served = serve(
    bus,
    listDiscovered,
    async ({ connectionId }) => ({ items: (await store.limitsOf([connectionId])).get(connectionId) ?? [] }),
    { onFault: (error, subject) => logger.error({ err: error, subject }, 'query failed') },
  )
  await bus.connection.flush() // Only then does the server know who answers.
  return {
    stop: async () => {
      await served.stop()
      await consuming.stop()
      await bus.close()
      await db.destroy()
    },
  }
}

const MAX_CONNECTIONS = 4
const STATEMENT_TIMEOUT_MS = 10_000
const BATCH_MESSAGES = 200
