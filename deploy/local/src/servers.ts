import {
  type DatabaseUrls,
  effectiveSyncInterval,
  ensureNatsPasswords,
  ensureRolePasswords,
  type Log,
  locateNatsServer,
  type NatsPasswords,
  parseSyncInterval,
  passwordEnvironment,
  prepareDatabase,
  SERVER_DEFAULT_SYNC_MS,
  StartError,
  type SyncInterval,
  startNatsServer,
  startPostgres,
  syncIntervalMs,
  versionText,
  writeNatsConfig,
} from '@sluice/local-servers'
import { DATABASE_SETTINGS, givenDatabaseUrls, type LocalSettings } from './config.ts'
import { binDir, type StackPaths } from './data-folder.ts'
import { type ServerSpec, serverLaunch } from './launch.ts'
import type { ProcessLog } from './log.ts'
import { assertReachable } from './ports.ts'
import { createServerLog, DEBUG, readNatsLine, readPostgresLine } from './server-log.ts'
import type { Environment } from './service-environment.ts'
import { watchStore } from './store-watch.ts'
import { type ProcessTiers, START } from './supervise.ts'

/** PostgreSQL and NATS: started and supervised, or those that the settings name. */
export interface Servers {
  readonly natsUrl: string
  /** The passwords of the users of the nats-server that was started; undefined when the settings name another. */
  readonly natsPasswords: NatsPasswords | undefined
  /** How long a write that NATS confirmed may not be on its disk yet; 0 when it is there before it is confirmed. */
  readonly natsSyncIntervalMs: number
  /** The database's URL for each service, with its own role. */
  readonly databaseUrls: DatabaseUrls
}

/** Costs no measurable throughput, unlike `always` (docs/nats.md). */
const DEFAULT_SYNC_MS = 1_000

export interface StartServersOptions {
  readonly settings: LocalSettings
  readonly paths: StackPaths
  readonly tiers: ProcessTiers
  readonly inherited: Environment
  readonly log: ProcessLog
}

/**
 * Starts PostgreSQL and nats-server at once; where the settings name a running server, makes sure that it is reachable
 * instead.
 */
export async function startServers({ settings, paths, tiers, inherited, log }: StartServersOptions): Promise<Servers> {
  const { NATS_URL, NATS_SYNC_INTERVAL } = settings
  const wantedSync = NATS_SYNC_INTERVAL === undefined ? undefined : parseSyncInterval(NATS_SYNC_INTERVAL)
  if (NATS_URL !== undefined) await assertReachable(NATS_URL, 'NATS_URL')
  for (const name of DATABASE_SETTINGS) {
    const url = settings[name]
    if (url !== undefined) await assertReachable(url, name)
  }
  const startServer = async (server: ServerSpec): Promise<string> => {
    const [ready] = await tiers.start([serverLaunch(server)])
    if (ready?.url === undefined) throw new StartError('process_failed', `${server.name} has no address.`)
    return ready.url
  }
  const ownPostgres = async () => {
    const serverUrl = await startServer(postgresSpec(settings, paths, log))
    return prepareDatabase(serverUrl, await ensureRolePasswords(paths.postgresPasswordsFile))
  }
  const ownNats = async () => {
    const nats = await prepareNats(settings, paths, wantedSync, (line) => log(START, line))
    const natsUrl = await startServer(natsSpec(nats, settings, paths, inherited, log))
    return { natsUrl, natsPasswords: nats.passwords, natsSyncIntervalMs: syncIntervalMs(nats.syncInterval) }
  }
  const [databaseUrls, nats] = await Promise.all([
    givenDatabaseUrls(settings) ?? ownPostgres(),
    NATS_URL === undefined ? ownNats() : givenNats(NATS_URL, wantedSync),
  ])
  return { databaseUrls, ...nats }
}

/** @param sync the interval that these servers are set to, according to the settings */
function givenNats(natsUrl: string, sync: SyncInterval | undefined) {
  return { natsUrl, natsPasswords: undefined, natsSyncIntervalMs: syncIntervalMs(sync ?? SERVER_DEFAULT_SYNC_MS) }
}

function postgresSpec({ LOG_LEVEL }: LocalSettings, { postgresDir }: StackPaths, log: ProcessLog): ServerSpec {
  const serverLog = createServerLog('postgres', LOG_LEVEL, log)
  const show = (line: string) => {
    const { level, message } = readPostgresLine(line)
    serverLog(level, message)
  }
  return {
    name: 'postgres',
    start: (port) => startPostgres({ dataDir: postgresDir, port, log: show }),
    explain: (line) => serverLog.explain(readPostgresLine(line)),
  }
}

interface PreparedNats {
  readonly serverPath: string
  readonly configFile: string
  readonly passwords: NatsPasswords
  readonly syncInterval: SyncInterval
}

async function prepareNats(
  { SLUICE_NATS_SERVER, NATS_SYNC_INTERVAL }: LocalSettings,
  paths: StackPaths,
  wantedSync: SyncInterval | undefined,
  say: Log,
): Promise<PreparedNats> {
  const passwords = await ensureNatsPasswords(paths.natsPasswordsFile)
  const { path: serverPath, version } = await locateNatsServer({ binDir, log: say, forcedPath: SLUICE_NATS_SERVER })
  const syncInterval = effectiveSyncInterval(wantedSync ?? DEFAULT_SYNC_MS, version)
  if (wantedSync !== undefined && wantedSync !== syncInterval) {
    const interval = `nats-server ${versionText(version)} always writes to the disk every two minutes`
    say(`NATS_SYNC_INTERVAL=${NATS_SYNC_INTERVAL} has no effect: ${interval}.`)
  }
  const configFile = await writeNatsConfig({ folder: paths.natsConfigDir, version, syncInterval })
  return { serverPath, configFile, passwords, syncInterval }
}

function natsSpec(
  { serverPath, configFile, passwords }: PreparedNats,
  { LOG_LEVEL }: LocalSettings,
  { natsDir }: StackPaths,
  inherited: Environment,
  log: ProcessLog,
): ServerSpec {
  const serverLog = createServerLog('nats', LOG_LEVEL, log)
  const env = { ...inherited, ...passwordEnvironment(passwords) }
  let onLine: ((message: string) => boolean) | undefined
  /** The server's log from before it was watched. */
  let earlyLines: string[] = []
  const show = (line: string) => {
    const { level, message } = readNatsLine(line)
    if (onLine === undefined) earlyLines.push(message)
    const isRepetition = onLine?.(message) ?? false
    serverLog(isRepetition ? DEBUG : level, message)
  }
  return {
    name: 'nats',
    start: (port) => {
      onLine = undefined
      earlyLines = []
      return startNatsServer({ serverPath, dataDir: natsDir, configFile, env, port, log: show })
    },
    watch: (server) => {
      const { line, stop } = watchStore({
        url: server.url,
        password: passwords.operator,
        dataDir: natsDir,
        say: serverLog,
        onMustRestart: () => void server.stop(),
      })
      onLine = line
      for (const message of earlyLines.splice(0)) line(message)
      return stop
    },
    explain: (line) => serverLog.explain(readNatsLine(line)),
  }
}
