import { setTimeout as delay } from 'node:timers/promises'
import { SluiceError } from '@sluice/contracts'
import type { Logger } from '@sluice/service-kit'

/**
 * Does `work`, again and again while the database is away.
 * @throws what PostgreSQL says where waiting would not help: a wrong password, no such database, a failed statement
 */
export async function untilReachable<T>(work: () => Promise<T>, logger: Logger): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof SluiceError && error.code === 'unavailable')) throw error
      if (attempt === 1) logger.warn({ err: error }, 'waiting for the database')
      await delay(RETRY_MS)
    }
  }
}

const RETRY_MS = 250
