import {
  generatePassword,
  NATS_USERS,
  type NatsPasswords,
  passwordEnvironment,
  readNatsVersion,
  writeNatsConfig,
} from '@sluice/local'
import { type TestNats, testNats } from './nats.ts'
import { natsServerPath, temporaryFolder } from './run-context.ts'

/** A nats-server as it is deployed: with its users, and what each of them may do. */
export interface DeployedNats extends TestNats {
  readonly passwords: NatsPasswords
}

/**
 * A real nats-server with the project's own `nats.conf`, for the caller alone, and fresh passwords. `tlsConfig` stands in `tls.conf`'s
 * place, in nats-server's own format.
 */
export async function deployedNats({
  tlsConfig,
  serverPath = natsServerPath(),
}: {
  readonly tlsConfig?: string
  /** The program; the run's own when absent. */
  readonly serverPath?: string
} = {}): Promise<DeployedNats> {
  const passwords = Object.fromEntries(NATS_USERS.map((user) => [user, generatePassword()])) as NatsPasswords
  const configFile = await writeNatsConfig({
    folder: await temporaryFolder(),
    version: await readNatsVersion(serverPath),
    syncInterval: SYNC_INTERVAL_MS,
    ...(tlsConfig === undefined ? {} : { tlsConfig }),
  })
  return { ...(await testNats({ configFile, serverPath, env: passwordEnvironment(passwords) })), passwords }
}

/** As the embedded start has it unless it is set otherwise. */
const SYNC_INTERVAL_MS = 1_000
