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

/** A process of a scenario that can be ended as by a crash and started again, with the same settings unless told. */
export interface PlaneProcess {
  readonly name: string
  /** @throws Error while it does not run */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void
  /** Ends it by SIGKILL; resolves when it is gone. */
  kill(): Promise<void>
  /** Starts it; resolves when it says it is ready. */
  start(): Promise<void>
}

export interface DataPlaneOptions {
  readonly connections: readonly BenchmarkConnection[]
  /** Default: 1. */
  readonly gateways?: number
  readonly capacityInstances?: number
  /** What every service gets, over the benchmark's own. */
  readonly environment?: Readonly<Record<string, string>>
  /** Where NATS keeps its streams; a temporary folder unless told. */
  readonly natsDataDir?: string
  /** How often NATS forces what it stores to the disk, where its version takes that; as the embedded start has it unless told. */
  readonly natsSyncMs?: number
  /** What lies between the services and NATS, such as a proxy. */
  readonly startNatsWay?: (natsPort: number) => Promise<NatsWay>
  /** Called when NATS holds all that the connections service puts there, and before anything else starts. */
  readonly whenPrepared?: () => Promise<void>
}

/** The ports at which the services reach NATS. */
export interface NatsWay {
  readonly capacity: number
  readonly gateway: number
  stop(): Promise<void>
}

/** What every request passes, each its own process, without PostgreSQL: NATS, capacity instances, gateways. */
export interface DataPlane {
  /** The benchmark's own connection, straight to NATS. */
  readonly bus: Bus
  readonly nats: PlaneProcess
  readonly capacity: readonly PlaneProcess[]
  readonly gateways: readonly PlaneProcess[]
  readonly gatewayUrls: readonly string[]
  readonly apiKey: string
  stop(): Promise<void>
}

/** Starts it; resolves when every gateway knows the connections. */
export async function startDataPlane(options: DataPlaneOptions): Promise<DataPlane> {
  const started = createStarted()
  try {
    const nats = await started.add(startNats(options.natsDataDir, options.natsSyncMs))
    const bus = await connectBus({ servers: `nats://127.0.0.1:${nats.port}`, name: 'benchmark' })
    await started.add(Promise.resolve({ stop: () => bus.close() }))
    const apiKey = await putProjections(bus, options.connections)
    await started.add(serveCredentials(bus, options.connections))
    await options.whenPrepared?.()
    const startNatsWay = options.startNatsWay ?? straightWay
    const ports = await started.add(startNatsWay(nats.port))
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

async function straightWay(natsPort: number): Promise<NatsWay> {
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
    const isGone = child.exitCode !== null || child.signalCode !== null
    child.kill('SIGKILL')
    if (!isGone) await exited
    child = undefined
  }
  await start()
  return {
    name,
    signal: (signal) => {
      if (child === undefined) throw new Error(`${name} does not run`)
      process.kill(pidOf(child), signal)
    },
    kill,
    start,
    // In order would take as long as there is something to settle; nothing of it counts any more.
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
