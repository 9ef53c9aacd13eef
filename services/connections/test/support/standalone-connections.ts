import { type TestDatabase, type TestNats, testDatabase, testNats } from '@sluice/testkit'
import { type TestAccess, testAccess } from './access.ts'
import { startConnections, type TestConnections, type TestConnectionsOptions } from './start-connections.ts'

/** A running service with a NATS and a database for the caller alone, which end with it. */
export interface StandaloneConnections extends TestConnections {
  readonly nats: TestNats
  readonly database: TestDatabase
  readonly access: TestAccess
}

export async function standaloneConnections(
  options: Omit<TestConnectionsOptions, 'natsUrl' | 'databaseUrl'> = {},
): Promise<StandaloneConnections> {
  const [nats, database] = await Promise.all([testNats(), testDatabase('connections')])
  const connections = await startConnections({ natsUrl: nats.url, databaseUrl: database.url, ...options })
  return {
    ...connections,
    nats,
    database,
    access: testAccess(connections, database.url),
    stop: async () => {
      await connections.stop()
      await Promise.all([nats.stop(), database.drop()])
    },
  }
}
