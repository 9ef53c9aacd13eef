import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from '@sluice/service-kit'
import { type Migration, Migrator } from 'kysely/migration'
import { openDatabase } from './database.ts'
import { isTransient } from './errors.ts'

export interface MigrateOptions {
  readonly url: string
  /** Holds the service's tables, and the record of its migrations. */
  readonly schema: string
  /** By name; they are applied in the names' order. */
  readonly migrations: Readonly<Record<string, Migration>>
  readonly logger: Logger
}

/**
 * Brings the schema to the newest migration, each applied once however many instances start at a time. Waits for as
 * long as the database is not there.
 * @throws what went wrong when waiting does not help: wrong credentials, no such database, a migration that fails
 */
export async function migrate(options: MigrateOptions): Promise<void> {
  const { url, schema, migrations, logger } = options
  // Neither a migration nor waiting for another instance's is held to the time of an ordinary statement.
  const db = openDatabase<unknown>({ url, name: `${schema}-migrations`, maxConnections: 1, logger })
  const migrator = new Migrator({
    db,
    provider: { getMigrations: () => Promise.resolve({ ...migrations }) },
    migrationTableSchema: schema,
  })
  try {
    for (let attempt = 0; ; attempt++) {
      const { error, results } = await migrator.migrateToLatest()
      for (const { migrationName } of results ?? []) logger.info({ migration: migrationName }, 'migrated')
      if (error === undefined) return
      if (!isTransient(error)) throw error
      if (attempt === 0) logger.warn({ err: error }, 'waiting for PostgreSQL')
      await delay(RETRY_MS)
    }
  } finally {
    await db.destroy()
  }
}

const RETRY_MS = 250
