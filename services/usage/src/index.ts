import { responses, usageQuery } from '@sluice/contracts'
import { awaitStream, connectBus, consume, serve } from '@sluice/messaging'
import { migrate, openDatabase, postgresDeadLetters } from '@sluice/postgres'
import { busOptions, ConfigError, type Logger, outageLog, type Service } from '@sluice/service-kit'
import type { UsageConfig } from './config.ts'
import { readPriceList } from './prices/read-price-list.ts'
import { replyToUsageQuery } from './query.ts'
import type { RetentionDays } from './rollup/granularity.ts'
import { MIGRATIONS, type Tables } from './store/schema.ts'
import { postgresUsageStore } from './store/usage-store.ts'
import { startUpkeep } from './upkeep.ts'

export { UsageConfig } from './config.ts'

/**
 * Starts the usage service: it counts every response event exactly once, and replies to queries. Resolves when it does
 * both; until then it waits for PostgreSQL and NATS. Any number of instances share the work.
 * @throws ConfigError when the price list cannot be read, or longer rollups have a shorter retention
 */
export async function start(config: UsageConfig, logger: Logger): Promise<Service> {
  const retentionDays = retentionDaysOf(config)
  const prices = await readPriceList(config.PRICE_LIST_FILE)
  const url = config.DATABASE_URL
  await migrate({ url, schema: 'usage', migrations: MIGRATIONS, logger })
  const db = openDatabase<Tables>({
    url,
    name: 'usage',
    maxConnections: MAX_CONNECTIONS,
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    logger,
  })
  const store = postgresUsageStore({ db, retentionDays, now: Date.now })
  const bus = await connectBus(busOptions(config, 'usage', logger))
  await awaitStream(bus, responses)
  const outage = outageLog(logger, {
    begins: 'response events cannot be processed, retrying',
    ends: 'response events are processed again',
  })
  const consuming = await consume(bus, responses, {
    durable: 'usage',
    batchMessages: BATCH_MESSAGES,
    handle: async (messages) => {
      await store.record(messages.map(({ message }) => message))
      outage.success()
    },
    storeDeadLetter: postgresDeadLetters({ db, schema: 'usage', logger, now: Date.now }).store,
    onFault: outage.fault,
    wasHandled: store.hasRecorded,
    onRollBack: (rollBack) =>
      logger.warn(
        rollBack,
        'NATS or PostgreSQL lost its newest data; the messages in the stream are read again, and counted once',
      ),
  })
  const served = serve(bus, usageQuery, replyToUsageQuery(store, prices), {
    onFault: (error, subject) => logger.error({ err: error, subject }, 'a usage query failed'),
  })
  await bus.connection.flush() // Only then does the server know the subscription.
  const upkeep = startUpkeep(store, {
    intervalMs: UPKEEP_INTERVAL_MS,
    gatewayAgeMs: GATEWAY_AGE_MS,
    onFault: (error) => logger.warn({ err: error }, 'upkeep failed; it is retried later'),
  })
  return {
    stop: async () => {
      await upkeep.stop()
      await served.stop()
      await consuming.stop()
      await bus.close()
      await db.destroy()
    },
  }
}

function retentionDaysOf(config: UsageConfig): RetentionDays {
  const {
    MINUTE_ROLLUP_RETENTION_DAYS: minute,
    HOUR_ROLLUP_RETENTION_DAYS: hour,
    DAY_ROLLUP_RETENTION_DAYS: day,
  } = config
  if (minute > hour || hour > day) {
    throw new ConfigError(
      `Each retention must be at least as long as that of shorter rollups: MINUTE_ROLLUP_RETENTION_DAYS is ${minute}, ` +
        `HOUR_ROLLUP_RETENTION_DAYS is ${hour}, DAY_ROLLUP_RETENTION_DAYS is ${day}.`,
    )
  }
  return { minute, hour, day }
}

const MAX_CONNECTIONS = 4
const STATEMENT_TIMEOUT_MS = 10_000
const BATCH_MESSAGES = 200
const UPKEEP_INTERVAL_MS = 600_000
/**
 * A message may be delivered again for as long as the stream holds it, and be published again late. An hour more for
 * clocks that differ.
 */
const GATEWAY_AGE_MS = responses.maxAgeMs + responses.lateMs + 3_600_000
