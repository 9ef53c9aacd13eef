import { givenDatabaseUrls, type LocalSettings } from './config.ts'
import { assertDiskSpace } from './disk-space.ts'
import { writeEnvironmentFiles } from './environment-files.ts'
import { acquireLock, type Lock } from './lock.ts'
import type { ProcessLog } from './log.ts'
import { ensureMasterKey } from './master-key.ts'
import type { DatabaseUrls } from './postgres/roles.ts'
import { type ExtraEnvironment, everyProcess, givenNames, serviceSpecs } from './process-specs.ts'
import { createProcessTiers, type ProcessTiers } from './process-tiers.ts'
import { readOptional } from './read-optional.ts'
import { openRunRecord } from './run-record.ts'
import { type Servers, startServers } from './servers.ts'
import { type ServiceName, type StackPaths, serviceFile, stackPaths } from './stack-paths.ts'
import { chooseStackPorts, type StackPorts } from './stack-ports.ts'
import { START } from './supervise-process.ts'
import { unlessAborted } from './unless-aborted.ts'

/** All of Sluice, running on this machine. */
export interface Stack {
  readonly paths: StackPaths
  /** `http://127.0.0.1:8081`: the admin API. */
  readonly adminUrl: string
  /** One for each gateway: `http://127.0.0.1:8080`. */
  readonly gatewayUrls: readonly string[]
  /** The passwords of its users are in `paths.natsPasswordsFile`, unless the settings named it. */
  readonly natsUrl: string
  /** The database as each service reaches it, with its own role. */
  readonly databaseUrls: DatabaseUrls
  /** Made at the first start on the database; undefined when that was done from another data folder. */
  readonly operatorToken: string | undefined
  /** Whether it was made in this start. */
  readonly isOperatorTokenNew: boolean
  /** What runs: for `nats` and `postgres` the servers themselves. One that is being started again has no pid. */
  processes(): readonly { readonly name: string; readonly pid: number | undefined }[]
  /** Ends everything in order, the gateways first. */
  stop(): Promise<void>
  /** Ends everything now, as a crash would. */
  kill(): void
}

export interface StackOptions {
  readonly log: ProcessLog
  /** What every process gets in its environment; see `inheritedEnvironment`. */
  readonly inherited?: Readonly<Record<string, string>>
  /** Environment of single services, over what they get otherwise. */
  readonly extra?: ExtraEnvironment
  /** The program of each service; the project's own when absent. */
  readonly programOf?: (service: ServiceName) => string
  /** Gives the start up: what runs already is ended in order. */
  readonly signal?: AbortSignal
}

/**
 * Starts all of Sluice in order, every process supervised: one that ends unasked is started again. Resolves once every
 * service is ready.
 * @throws StartError saying what is in the way; nothing is left running then.
 */
export async function startStack(settings: LocalSettings, options: StackOptions): Promise<Stack> {
  const { log, signal } = options
  const paths = stackPaths(settings.SLUICE_DATA_DIR)
  const say = (line: string) => log(START, line)
  const startsServer = settings.NATS_URL === undefined || givenDatabaseUrls(settings) === undefined
  if (startsServer) await assertDiskSpace(paths.dataDir)
  const { lock, record } = await unlessAborted(signal, takeFolder(paths, say), (late) => late.lock.release())
  let stop = () => lock.release()
  try {
    const tiers = createProcessTiers({ log, record })
    stop = stopOnce(tiers, lock)
    // What is starting fails for it, and so does this function, which then reports a fault of stopping.
    signal?.addEventListener('abort', () => void stop().catch(() => undefined))
    signal?.throwIfAborted()
    const ports = await chooseStackPorts(settings)
    const formerToken = await readToken(paths)
    const servers = await startServers({ settings, paths, tiers, inherited: options.inherited ?? {}, log: say })
    const isFirstStart = formerToken === undefined
    await startServices({ settings, paths, ports, tiers, servers, options, isFirstStart, say })
    const operatorToken = await readToken(paths)
    return {
      paths,
      adminUrl: `http://127.0.0.1:${ports.admin}`,
      gatewayUrls: ports.gateways.map((port) => `http://127.0.0.1:${port}`),
      natsUrl: servers.natsUrl,
      databaseUrls: servers.databaseUrls,
      operatorToken,
      isOperatorTokenNew: operatorToken !== undefined && operatorToken !== formerToken,
      processes: () => tiers.processes().map((process) => ({ name: process.name, pid: process.pid() })),
      stop,
      kill: tiers.kill,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Makes the data folder this start's own, with nothing of an earlier one left running. */
async function takeFolder(paths: StackPaths, say: (line: string) => void) {
  const lock = await acquireLock(paths.dataDir, say)
  try {
    return { lock, record: await openRunRecord(paths.runDir, say) }
  } catch (error) {
    await lock.release()
    throw error
  }
}

interface ServicesToStart {
  readonly settings: LocalSettings
  readonly paths: StackPaths
  readonly ports: StackPorts
  readonly tiers: ProcessTiers
  readonly servers: Servers
  readonly options: StackOptions
  /** Nothing can have been stored yet. */
  readonly isFirstStart: boolean
  readonly say: (line: string) => void
}

async function startServices(services: ServicesToStart): Promise<void> {
  const { settings, paths, ports, tiers, servers, options, isFirstStart, say } = services
  const { inherited = {}, extra = {}, programOf = serviceFile } = options
  const mayBeNew = isFirstStart || extra.connections?.KEY_SERVICE === 'aws-kms'
  if (await ensureMasterKey(paths.masterKeyFile, mayBeNew)) say(`Made a master key: ${paths.masterKeyFile}`)
  const context = { settings, paths, ports, ...servers, inherited, extra, programOf }
  const specs = serviceSpecs(context)
  await writeEnvironmentFiles(paths.environmentDir, everyProcess(specs), givenNames(context))
  await tiers.start([specs.connections])
  // Two tiers, for they stop one after the other; neither needs the other to start.
  await Promise.all([tiers.start(specs.capacities), tiers.start(specs.consumers)])
  await tiers.start(specs.gateways)
}

/** However often it is called, everything is stopped once. */
function stopOnce(tiers: ProcessTiers, lock: Lock): () => Promise<void> {
  let stopped: Promise<void> | undefined
  return () => {
    stopped ??= tiers.stop().then(() => lock.release())
    return stopped
  }
}

async function readToken({ operatorTokenFile }: StackPaths): Promise<string | undefined> {
  return (await readOptional(operatorTokenFile))?.trim()
}
