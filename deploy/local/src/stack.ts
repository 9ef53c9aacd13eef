import { type DatabaseUrls, type Log, readOptional } from '@sluice/local-servers'
import { givenDatabaseUrls, type LocalSettings } from './config.ts'
import { ensureMasterKey, type StackPaths, stackPaths } from './data-folder.ts'
import { assertDiskSpace } from './disk-space.ts'
import { serviceLaunch } from './launch.ts'
import { acquireLock, type Lock } from './lock.ts'
import type { ProcessLog } from './log.ts'
import { chooseStackPorts } from './ports.ts'
import { openRunRecord } from './run-record.ts'
import { startServers } from './servers.ts'
import { type Environment, type ServiceEnvironments, writeEnvironmentFiles } from './service-environment.ts'
import {
  givenNames,
  type ProgramName,
  programPath,
  type ServiceContext,
  serviceInstances,
  serviceProcesses,
} from './services.ts'
import { unlessAborted } from './stop.ts'
import { createProcessTiers, type ProcessTiers, START } from './supervise.ts'

/** All of Sluice, running on this machine. */
export interface Stack {
  readonly paths: StackPaths
  /** `http://127.0.0.1:8081`: the admin API. */
  readonly adminUrl: string
  /** One for each gateway: `http://127.0.0.1:8080`. */
  readonly gatewayUrls: readonly string[]
  /** The passwords of its users are in `paths.natsPasswordsFile`, unless the settings named it. */
  readonly natsUrl: string
  /** The database's URL for each service, with its own role. */
  readonly databaseUrls: DatabaseUrls
  /** Made at the first start on the database; undefined when that happened from another data folder. */
  readonly operatorToken: string | undefined
  /** True when it was created by this start. */
  readonly isOperatorTokenNew: boolean
  /** Returns what runs; a process that is being restarted has no process id. */
  processes(): readonly { readonly name: string; readonly pid: number | undefined }[]
  /** Ends everything in order, the gateways first. */
  stop(): Promise<void>
  /** Ends everything at once, as a crash would. */
  kill(): void
}

export interface StackOptions {
  readonly log: ProcessLog
  /** The part of the environment that every process gets; see `inheritedEnvironment`. */
  readonly inherited?: Environment
  /** Environment of single services, over what they get otherwise; see `serviceEnvironments`. */
  readonly extra?: ServiceEnvironments
  /** The program of each process; the project's own when absent. */
  readonly programOf?: (program: ProgramName) => string
  /** Cancels the start: what runs already is ended in order. */
  readonly signal?: AbortSignal
}

/**
 * Starts all of Sluice in order, every process supervised: one that ends unasked is started again. Resolves once every
 * service is ready.
 * @throws StartError saying what prevents it; nothing is left running then
 */
export async function startStack(settings: LocalSettings, options: StackOptions): Promise<Stack> {
  const { log, signal, inherited = {}, extra = {}, programOf = programPath } = options
  const paths = stackPaths(settings.SLUICE_DATA_DIR)
  const say = (line: string) => log(START, line)
  const startsServer = settings.NATS_URL === undefined || givenDatabaseUrls(settings) === undefined
  if (startsServer) await assertDiskSpace(paths.dataDir)
  const { lock, record } = await unlessAborted(signal, takeFolder(paths, say), (late) => late.lock.release())
  let stop = () => lock.release()
  try {
    const tiers = createProcessTiers({ log, record })
    stop = stopOnce(tiers, lock)
    // Whatever is starting fails because of it, and so does this function, which then reports a fault of stopping.
    signal?.addEventListener('abort', () => void stop().catch(() => undefined))
    signal?.throwIfAborted()
    const ports = await chooseStackPorts(settings)
    const formerToken = await readToken(paths)
    const servers = await startServers({ settings, paths, tiers, inherited, log })
    const isFirstStart = formerToken === undefined
    const mayKeyBeNew = isFirstStart || extra.connections?.KEY_SERVICE === 'aws-kms'
    if (await ensureMasterKey(paths.masterKeyFile, mayKeyBeNew)) say(`Made a master key: ${paths.masterKeyFile}`)
    await startServices({ settings, paths, ports, servers, inherited, extra, programOf }, tiers, isFirstStart)
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
async function takeFolder(paths: StackPaths, say: Log) {
  const lock = await acquireLock(paths.dataDir, say)
  try {
    return { lock, record: await openRunRecord(paths.runDir, say) }
  } catch (error) {
    await lock.release()
    throw error
  }
}

async function startServices(context: ServiceContext, tiers: ProcessTiers, isFirstStart: boolean): Promise<void> {
  const instances = serviceInstances(context)
  await writeEnvironmentFiles(context.paths.environmentDir, instances, givenNames(context))
  const { controlPlane, capacities, gateways } = serviceProcesses(instances, context)
  // Capacity reads a bucket that the control plane makes at the first start. Later, neither needs the other to start.
  const controlPlaneReady = tiers.start([serviceLaunch(controlPlane)])
  if (isFirstStart) await controlPlaneReady
  await Promise.all([controlPlaneReady, tiers.start(capacities.map(serviceLaunch))])
  await tiers.start(gateways.map(serviceLaunch))
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
