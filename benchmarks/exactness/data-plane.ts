import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gatewayKnows, until } from '@sluice/local'
import { freePort, startNatsServer } from '@sluice/local-servers'
import { type Bus, connectBus } from '@sluice/messaging'
import { PROJECT_DIR, prepareNats } from '../shared/nats.ts'
import { createStarted, pidOf, startProgram } from '../shared/processes.ts'
import { type BenchmarkConnection, putProjections, serveCredentials } from '../shared/projections.ts'

/** A process of a scenario that can be killed and started again with the same settings. */
export interface PlaneProcess {
  readonly name: string
  /** @throws Error if it is not running */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void
  /** Sends SIGKILL; resolves when the process has exited. */
  kill(): Promise<void>
  /** Starts it; resolves when it reports that it is ready. */
  start(): Promise<void>
}

export interface DataPlaneOptions {
  readonly connections: readonly BenchmarkConnection[]
  /** Default: 1. */
  readonly gateways?: number
  readonly capacityInstances?: number
  /** Environment of every service, in addition to the benchmark's own. */
  readonly environment?: Readonly<Record<string, string>>
  /** The folder of NATS's streams. Default: a temporary folder. */
  readonly natsDataDir?: string
  /**
   * The interval at which NATS syncs to disk, if its version supports the setting. Default: as in the embedded start.
   */
  readonly natsSyncMs?: number
  /** Starts something between the services and NATS, such as a proxy. */
  readonly startNatsRoute?: (natsPort: number) => Promise<NatsRoute>
  /** Called when NATS holds everything that the connections service publishes, before anything else starts. */
  readonly whenPrepared?: () => Promise<void>
}

/** The ports at which the services reach NATS. */
interface NatsRoute {
  readonly capacity: number
  readonly gateway: number
  stop(): Promise<void>
}

/** The processes on the path of a request: NATS, capacity instances, gateways; no PostgreSQL. */
export interface DataPlane {
  /** The benchmark's own direct connection to NATS. */
  readonly bus: Bus
  readonly nats: PlaneProcess
  readonly capacity: readonly PlaneProcess[]
  readonly gateways: readonly PlaneProcess[]
  readonly gatewayUrls: readonly string[]
  readonly apiKey: string
  stop(): Promise<void>
}

/** Starts a data plane; resolves when every gateway knows the connections. */
export async function startDataPlane(options: DataPlaneOptions): Promise<DataPlane> {
  const started = createStarted()
  try {
    const nats = await started.add(startNats(options.natsDataDir, options.natsSyncMs))
    const bus = await connectBus({ servers: `nats://127.0.0.1:${nats.port}`, name: 'benchmark' })
    await started.add(Promise.resolve({ stop: () => bus.close() }))
    const apiKey = await putProjections(bus, options.connections)
    await started.add(serveCredentials(bus, options.connections))
    await options.whenPrepared?.()
    const startNatsRoute = options.startNatsRoute ?? directRoute
    const ports = await started.add(startNatsRoute(nats.port))
    const environment = {
      LOG_LEVEL: process.env.LOG_LEVEL ?? 'fatal',
      ALLOW_INSECURE_UPSTREAM: 'true',
      NATS_SYNC_INTERVAL_MS: String(nats.appliedSyncMs),
      ...options.environment,
    }
    const startAll = (service: 'capacity' | 'gateway', each: readonly Record<string, string>[]) => {
      const NATS_URL = `nats://127.0.0.1:${ports[service]}`
      return Promise.all(
        each.map((own, index) =>
          started.add(startService(service, `${service}-${index + 1}`, { ...environment, NATS_URL, ...own })),
        ),
      )
    }
    const capacity = await startAll(
      'capacity',
      Array.from({ length: options.capacityInstances ?? 1 }, () => ({})),
    )
    const gatewayPorts = await Promise.all(Array.from({ length: options.gateways ?? 1 }, freePort))
    const gateways = await startAll(
      'gateway',
      gatewayPorts.map((port) => ({ GATEWAY_PORT: String(port) })),
    )
    const gatewayUrls = gatewayPorts.map((port) => `http://127.0.0.1:${port}`)
    for (const url of gatewayUrls) {
      for (const { name } of options.connections)
        await until('the connections', () => gatewayKnows(url, name, apiKey), Boolean)
    }
    return { bus, nats, capacity, gateways, gatewayUrls, apiKey, stop: started.stop }
  } catch (error) {
    await started.stop()
    throw error
  }
}

async function directRoute(natsPort: number): Promise<NatsRoute> {
  return { capacity: natsPort, gateway: natsPort, stop: async () => undefined }
}

type Stoppable = PlaneProcess & { stop(): Promise<void> }

async function startService(
  service: 'capacity' | 'gateway',
  name: string,
  environment: Readonly<Record<string, string>>,
): Promise<Stoppable> {
  let child: ChildProcess | undefined
  const start = async (): Promise<void> => {
    child = await startProgram(join(PROJECT_DIR, 'services', service, 'src/main.ts'), environment)
  }
  const kill = async (): Promise<void> => {
    if (child === undefined) return
    const exited = once(child, 'exit')
    const hasExited = child.exitCode !== null || child.signalCode !== null
    child.kill('SIGKILL')
    if (!hasExited) await exited
    child = undefined
  }
  await start()
  return {
    name,
    signal: (signal) => {
      if (child === undefined) throw new Error(`${name} is not running`)
      process.kill(pidOf(child), signal)
    },
    kill,
    start,
    // A graceful stop would wait for settlements that no longer matter.
    stop: kill,
  }
}

async function startNats(
  givenDataDir: string | undefined,
  syncMs: number | undefined,
): Promise<Stoppable & { readonly port: number; readonly appliedSyncMs: number }> {
  const dataDir = givenDataDir ?? (await mkdtemp(join(tmpdir(), 'sluice-exactness-nats-')))
  const prepared = await prepareNats(dataDir, syncMs)
  const startOn = (port: number) => startNatsServer({ ...prepared, port, log: () => undefined })
  let server = await startOn(0)
  const kill = () => server.kill()
  return {
    name: 'nats',
    port: server.port,
    appliedSyncMs: prepared.appliedSyncMs,
    signal: (signal) => void process.kill(server.pid, signal),
    kill,
    start: async () => {
      server = await startOn(server.port)
    },
    stop: async () => {
      await kill()
      if (givenDataDir === undefined) await rm(dataDir, { recursive: true, force: true })
    },
  }
}
