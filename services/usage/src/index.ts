import { responses, usageQuery } from '@sluice/contracts'
import { awaitStream, connectBus, consume, serve } from '@sluice/messaging'
import { migrate, openDatabase } from '@sluice/postgres'
import { busOptions, ConfigError, type Logger, outageLog, type Service } from '@sluice/service-kit'
import { MIGRATIONS } from './adapters/migrations.ts'
import { postgresUsageStore } from './adapters/postgres-usage-store.ts'
import { readPriceList } from './adapters/read-price-list.ts'
import type { Tables } from './adapters/tables.ts'
import type { UsageConfig } from './config.ts'
import type { KeptDays } from './domain/retention.ts'
import { responseUsageQuery } from './handlers/answer-usage-query.ts'
import { keepUp } from './handlers/keep-up.ts'
import { recordResponses } from './handlers/record-responses.ts'

export { UsageConfig } from './config.ts'

/**
 * Starts the usage service: it adds up every response event exactly once, and answers queries. Resolves when it does both;
 * until then it waits for PostgreSQL and NATS. Any number of instances share the work.
 * @throws ConfigError when the price list cannot be read, or what is coarser is kept for a shorter time
 */
export async function start(config: UsageConfig, logger: Logger): Promise<Service> {
  const kept = keptDays(config)
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
  const store = postgresUsageStore({ db, kept, now: Date.now })
  const bus = await connectBus(busOptions(config, 'usage', logger))
  await awaitStream(bus, responses)
  const record = recordResponses(store, logger)
  const outage = outageLog(logger)
  const consuming = await consume(bus, responses, {
    durable: 'usage',
    batchMessages: BATCH_MESSAGES,
    handle: async (messages) => {
      await record(messages)
      outage.success()
    },
    storeDeadLetter: async ({ subject, streamSequence, reason }) =>
      logger.error({ subject, streamSequence, reason }, 'malformed message, dropped'),
    onFault: outage.fault,
    wasHandled: store.hasRecorded,
    onRollBack: (rollBack) =>
      logger.warn(
        rollBack,
        'NATS or PostgreSQL lost what was newest; what the stream holds is read again, and counted once',
      ),
  })
  const served = serve(bus, usageQuery, responseUsageQuery(store, prices), {
    onFault: (error, subject) => logger.error({ err: error, subject }, 'query failed'),
  })
  await bus.connection.flush() // Only then does the server know who answers.
  const keepingUp = keepUp(store, {
    intervalMs: UPKEEP_INTERVAL_MS,
    gatewayAgeMs: GATEWAY_AGE_MS,
    onFault: (error) => logger.warn({ err: error }, 'upkeep failed, it goes on later'),
  })
  return {
    stop: async () => {
      await keepingUp.stop()
      await served.stop()
      await consuming.stop()
      await bus.close()
      await db.destroy()
    },
  }
}

function keptDays(config: UsageConfig): KeptDays {
  const { MINUTES_KEPT_DAYS: minute, HOURS_KEPT_DAYS: hour, DAYS_KEPT_DAYS: day } = config
  if (minute > hour || hour > day) {
    throw new ConfigError('MINUTES_KEPT_DAYS is at most HOURS_KEPT_DAYS, and that at most DAYS_KEPT_DAYS')
  }
  return { minute, hour, day }
}

const MAX_CONNECTIONS = 4
const STATEMENT_TIMEOUT_MS = 10_000
const BATCH_MESSAGES = 200
const UPKEEP_INTERVAL_MS = 600_000
/** A message may be delivered again for as long as the stream holds it, and be published again late. An hour more for clocks that differ. */
const GATEWAY_AGE_MS = responses.maxAgeMs + responses.lateMs + 3_600_000
