import { migrate, openDatabase } from '@sluice/postgres'
import { createLogger } from '@sluice/service-kit'
import { testDatabase } from '@sluice/testkit'
import type { Kysely } from 'kysely'
import { MIGRATIONS, type Tables } from '../src/store/schema.ts'

export interface DiscoveryDatabase {
  readonly db: Kysely<Tables>
  /** Removes it. */
  drop(): Promise<void>
}

/** A fresh database with the service's schema, for the caller alone. */
export async function discoveryDatabase(): Promise<DiscoveryDatabase> {
  const { url, drop } = await testDatabase('discovery')
  const logger = createLogger('discovery', 'silent')
  await migrate({ url, schema: 'discovery', migrations: MIGRATIONS, logger })
  const db = openDatabase<Tables>({ url, name: 'discovery', maxConnections: MAX_CONNECTIONS, logger })
  return {
    db,
    drop: async () => {
      await db.destroy()
      await drop()
    },
  }
}

/** As many as learn at a time in a test. */
const MAX_CONNECTIONS = 8
