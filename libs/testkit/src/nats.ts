import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  generateNatsPasswords,
  type NatsPasswords,
  type NatsServer,
  passwordEnvironment,
  readNatsVersion,
  startNatsServer,
  writeNatsConfig,
} from '@sluice/local-servers'
import { freezeProcess } from './freeze.ts'
import { natsServerPath, temporaryFolder } from './run-context.ts'

export interface TestNats {
  /** Stays the same over restarts. */
  readonly url: string
  /** Where it stores: `jetstream/$G/streams/<stream>/{msgs,obs}` without users. */
  readonly dataDir: string
  /** Starts it again, on the same port and with what it stored; stops it first if it runs. */
  restart(): Promise<void>
  /** Ends it in order, so that everything is written. */
  halt(): Promise<void>
  /** Stops the process (SIGSTOP): its connections stay open, the kernel accepts new ones, and nothing responds. */
  freeze(): void
  /** Lets a frozen process continue. */
  thaw(): void
  /** Ends it as a crash would. */
  kill(): Promise<void>
  /** Ends it for good and removes what it stored. */
  stop(): Promise<void>
}

export interface TestNatsOptions {
  /** Configuration in nats-server's own format. */
  readonly extraConfig?: string
  /** The same as a file, instead of `extraConfig`. */
  readonly configFile?: string
  /** The program; the run's own when absent. */
  readonly serverPath?: string
  /** Where to store; a new folder when absent. */
  readonly dataDir?: string
  /** The environment that the configuration refers to. */
  readonly env?: Readonly<Record<string, string>>
}

/** Starts a real nats-server with JetStream on disk that only the caller uses. */
export async function testNats(options: TestNatsOptions = {}): Promise<TestNats> {
  const dataDir = options.dataDir ?? (await temporaryFolder())
  const { env = {} } = options
  const configFile = options.configFile ?? (await writeConfig(options.extraConfig))
  const start = (port: number) =>
    startNatsServer({
      serverPath: options.serverPath ?? natsServerPath(),
      dataDir,
      port,
      log: () => undefined,
      env,
      ...(configFile && { configFile }),
    })
  let server: NatsServer = await start(0)
  return {
    url: server.url,
    dataDir,
    restart: async () => {
      await server.stop()
      server = await start(server.port)
    },
    freeze: () => freezeProcess(server.pid),
    thaw: () => process.kill(server.pid, 'SIGCONT'),
    halt: () => server.stop(),
    kill: () => server.kill(),
    stop: async () => {
      await server.stop()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

/** A nats-server as it is deployed, with its users and their permissions. */
export interface DeployedNats extends TestNats {
  readonly passwords: NatsPasswords
}

/** The interval of the embedded start, unless it is set otherwise. */
const SYNC_INTERVAL_MS = 1_000

/**
 * Starts a real nats-server with the project's own `nats.conf` and new passwords that only the caller uses. `tlsConfig` replaces
 * `tls.conf`, in nats-server's own format.
 */
export async function deployedNats({
  tlsConfig,
  serverPath = natsServerPath(),
}: {
  readonly tlsConfig?: string
  /** The program; the run's own when absent. */
  readonly serverPath?: string
} = {}): Promise<DeployedNats> {
  const passwords = generateNatsPasswords()
  const configFile = await writeNatsConfig({
    folder: await temporaryFolder(),
    version: await readNatsVersion(serverPath),
    syncInterval: SYNC_INTERVAL_MS,
    ...(tlsConfig === undefined ? {} : { tlsConfig }),
  })
  return { ...(await testNats({ configFile, serverPath, env: passwordEnvironment(passwords) })), passwords }
}

async function writeConfig(text: string | undefined): Promise<string | undefined> {
  if (text === undefined) return undefined
  const file = join(await temporaryFolder(), 'nats.conf')
  await writeFile(file, text)
  return file
}
