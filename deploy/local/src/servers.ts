import { DATABASE_SETTINGS, givenDatabaseUrls, type LocalSettings } from './config.ts'
import type { ServerToKeep } from './keeper-options.ts'
import type { Log } from './log.ts'
import { locateNatsServer } from './nats-server/locate.ts'
import {
  effectiveSyncInterval,
  parseSyncInterval,
  SERVER_DEFAULT_SYNC_MS,
  type SyncInterval,
  syncIntervalMs,
  writeNatsConfig,
} from './nats-server/nats-config.ts'
import { ensureNatsPasswords, type NatsPasswords, passwordEnvironment } from './nats-server/users.ts'
import { versionText } from './nats-server/version.ts'
import { type DatabaseUrls, ensureRolePasswords, prepareDatabase } from './postgres/roles.ts'
import { keeperSpec } from './process-specs.ts'
import type { ProcessTiers } from './process-tiers.ts'
import { assertReachable } from './reachable.ts'
import { binDir, type StackPaths } from './stack-paths.ts'
import { StartError } from './start-error.ts'

export interface Servers {
  readonly natsUrl: string
  /** Of the users of the nats-server that was started; undefined when the settings named another. */
  readonly natsPasswords: NatsPasswords | undefined
  /** How long what NATS confirmed may not be on its disk yet; 0 when it is there before it is confirmed. */
  readonly natsSyncIntervalMs: number
  /** The database as each service reaches it, with its own role. */
  readonly databaseUrls: DatabaseUrls
}

/** Costs no throughput that can be measured, unlike `always` (docs/nats.md). */
const DEFAULT_SYNC_MS = 1_000

const LEVEL_NUMBERS = { trace: 10, debug: 20, info: 30, warn: 40, error: 50, fatal: 60, silent: 100 } as const

export interface StartServersOptions {
  readonly settings: LocalSettings
  readonly paths: StackPaths
  readonly tiers: ProcessTiers
  readonly inherited: Readonly<Record<string, string>>
  readonly log: Log
}

/**
 * Starts PostgreSQL and nats-server, at once, each under its keeper; where the settings name a server that is there
 * already, makes sure that it answers instead. They keep their ports over restarts of their own.
 */
export async function startServers({ settings, paths, tiers, inherited, log }: StartServersOptions): Promise<Servers> {
  const { NATS_URL, NATS_SYNC_INTERVAL, SLUICE_NATS_SERVER } = settings
  const givenUrls = givenDatabaseUrls(settings)
  const wantedSync = NATS_SYNC_INTERVAL === undefined ? undefined : parseSyncInterval(NATS_SYNC_INTERVAL)
  const minLevel = LEVEL_NUMBERS[settings.LOG_LEVEL]
  if (NATS_URL !== undefined) await assertReachable(NATS_URL, 'NATS_URL')
  for (const name of DATABASE_SETTINGS) {
    const url = settings[name]
    if (url !== undefined) await assertReachable(url, name)
  }

  const startKeeper = async (server: ServerToKeep, env: Record<string, string> = {}): Promise<string> => {
    const [ready] = await tiers.start([keeperSpec(server, { ...inherited, ...env })])
    if (ready?.url === undefined) throw new StartError('process_failed', `${server.server} did not say its address.`)
    return ready.url
  }
  const startPostgres = async () => {
    const serverUrl = await startKeeper({ server: 'postgres', dataDir: paths.postgresDir, minLevel })
    return prepareDatabase(serverUrl, await ensureRolePasswords(paths.postgresPasswordsFile))
  }
  const startNats = async () => {
    const natsPasswords = await ensureNatsPasswords(paths.natsPasswordsFile)
    const { path: serverPath, version } = await locateNatsServer({ binDir, log, forcedPath: SLUICE_NATS_SERVER })
    const syncInterval = effectiveSyncInterval(wantedSync ?? DEFAULT_SYNC_MS, version)
    if (wantedSync !== undefined && wantedSync !== syncInterval) {
      log(`NATS_SYNC_INTERVAL has no effect: nats-server ${versionText(version)} writes to the disk every two minutes.`)
    }
    const configFile = await writeNatsConfig({ folder: paths.natsConfigDir, version, syncInterval })
    const server = { server: 'nats', serverPath, dataDir: paths.natsDir, configFile, minLevel } as const
    const natsUrl = await startKeeper(server, passwordEnvironment(natsPasswords))
    return { natsUrl, natsPasswords, natsSyncIntervalMs: syncIntervalMs(syncInterval) }
  }
  const [databaseUrls, nats] = await Promise.all([
    givenUrls ?? startPostgres(),
    NATS_URL === undefined ? startNats() : givenNats(NATS_URL, wantedSync),
  ])
  return { databaseUrls, ...nats }
}

/** @param sync what the settings say that these servers are set to */
function givenNats(natsUrl: string, sync: SyncInterval | undefined) {
  return { natsUrl, natsPasswords: undefined, natsSyncIntervalMs: syncIntervalMs(sync ?? SERVER_DEFAULT_SYNC_MS) }
}
