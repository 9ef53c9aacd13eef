import { copyFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { generatePassword, NATS_USERS, type NatsPasswords, natsConfigFile, passwordEnvironment } from '@sluice/local'
import { type TestNats, testNats } from './nats.ts'
import { temporaryFolder } from './run-context.ts'

/** A nats-server as it is deployed: with its users, and what each of them may do. */
export interface DeployedNats extends TestNats {
  readonly passwords: NatsPasswords
}

/**
 * A real nats-server with the project's own `nats.conf`, for the caller alone, and fresh passwords. `tlsConfig` stands in `tls.conf`'s
 * place, in nats-server's own format.
 */
export async function deployedNats(options: { readonly tlsConfig?: string } = {}): Promise<DeployedNats> {
  const passwords = Object.fromEntries(NATS_USERS.map((user) => [user, generatePassword()])) as NatsPasswords
  const configFile = options.tlsConfig === undefined ? natsConfigFile : await configWith(options.tlsConfig)
  return { ...(await testNats({ configFile, env: passwordEnvironment(passwords) })), passwords }
}

async function configWith(tlsConfig: string): Promise<string> {
  const folder = await temporaryFolder()
  await copyFile(natsConfigFile, join(folder, 'nats.conf'))
  await writeFile(join(folder, 'tls.conf'), tlsConfig)
  return join(folder, 'nats.conf')
}
