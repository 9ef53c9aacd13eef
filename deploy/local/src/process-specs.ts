import type { ProcessSpec } from './child-process.ts'
import { givenDatabaseUrls, type LocalSettings } from './config.ts'
import type { ServerToKeep } from './keeper-options.ts'
import type { NatsPasswords } from './nats-server/users.ts'
import type { DatabaseService, DatabaseUrls } from './postgres/roles.ts'
import { compileCacheDir, keeperFile, type ServiceName, type StackPaths } from './stack-paths.ts'
import type { StackPorts } from './stack-ports.ts'

/** Environment of single services, over what they get otherwise. */
export type ExtraEnvironment = Readonly<Partial<Record<ServiceName, Readonly<Record<string, string>>>>>

export interface ServiceContext {
  readonly settings: LocalSettings
  readonly paths: StackPaths
  readonly ports: StackPorts
  readonly natsUrl: string
  /** Absent for a server that the settings name: all services are then the settings' user. */
  readonly natsPasswords: NatsPasswords | undefined
  /** How long what NATS confirmed may not be on its disk yet. */
  readonly natsSyncIntervalMs: number
  readonly databaseUrls: DatabaseUrls
  /** What every process gets. */
  readonly inherited: Readonly<Record<string, string>>
  readonly extra: ExtraEnvironment
  /** The program of each service. */
  readonly programOf: (service: ServiceName) => string
}

/** The services of one run. */
export interface ServiceSpecs {
  readonly connections: ProcessSpec
  readonly capacities: readonly ProcessSpec[]
  readonly consumers: readonly ProcessSpec[]
  readonly gateways: readonly ProcessSpec[]
}

/** What the settings say about a server that is there already. */
const NATS_SETTINGS = [
  'NATS_USER',
  'NATS_PASSWORD',
  'NATS_TLS_CA_FILE',
  'NATS_TLS_CERT_FILE',
  'NATS_TLS_KEY_FILE',
  'NATS_REPLICAS',
] as const

const LOOPBACK = '127.0.0.1'
/** A server may have to recover a large store first. */
const SERVER_READY_MS = 120_000
const SERVICE_READY_MS = 60_000
/** Longer than a service takes to give up by itself. */
const STOP_MS = 20_000

/** The server takes a free port at its first start, and keeps it from then on: its clients look for it there. */
export function keeperSpec(server: ServerToKeep, env: Readonly<Record<string, string>>): ProcessSpec {
  return {
    name: server.server,
    file: keeperFile,
    args: (last) => [JSON.stringify({ ...server, port: last?.port ?? 0 })],
    env,
    readyTimeoutMs: SERVER_READY_MS,
    stopTimeoutMs: 2 * STOP_MS,
  }
}

export function serviceSpecs(context: ServiceContext): ServiceSpecs {
  const { settings, paths, ports, databaseUrls } = context
  const database = (service: DatabaseService) => ({ DATABASE_URL: databaseUrls[service] })
  const upstream = { ALLOW_INSECURE_UPSTREAM: String(settings.ALLOW_INSECURE_UPSTREAM) }
  const capacities = Array.from({ length: settings.CAPACITY_INSTANCES }, (_, index) =>
    serviceSpec(context, 'capacity', `capacity-${index + 1}`, {
      NATS_SYNC_INTERVAL_MS: String(context.natsSyncIntervalMs),
    }),
  )
  const gateways = ports.gateways.map((port, index) =>
    serviceSpec(context, 'gateway', `gateway-${index + 1}`, {
      ...upstream,
      GATEWAY_HOST: LOOPBACK,
      GATEWAY_PORT: String(port),
    }),
  )
  const specs = {
    connections: serviceSpec(context, 'connections', 'connections', {
      ...database('connections'),
      ...upstream,
      ADMIN_HOST: LOOPBACK,
      ADMIN_PORT: String(ports.admin),
      MASTER_KEY_FILE: paths.masterKeyFile,
      OPERATOR_TOKEN_FILE: paths.operatorTokenFile,
    }),
    capacities,
    consumers: [
      serviceSpec(context, 'discovery', 'discovery', database('discovery')),
      serviceSpec(context, 'usage', 'usage', database('usage')),
    ],
    gateways,
  }
  return withMetrics(specs, settings.METRICS_PORT)
}

/** All of them, in the order in which they are started. */
export function everyProcess({ connections, capacities, consumers, gateways }: ServiceSpecs): ProcessSpec[] {
  return [connections, ...capacities, ...consumers, ...gateways]
}

/** Names of what the processes have from outside: it may hold secrets, which the start is not to write down. */
export function givenNames({ settings, inherited, extra }: ServiceContext): ReadonlySet<string> {
  return new Set([
    ...Object.keys(inherited),
    ...Object.values(extra).flatMap((own) => Object.keys(own)),
    ...(settings.NATS_URL === undefined ? [] : [...NATS_SETTINGS, 'NATS_URL']),
    ...(givenDatabaseUrls(settings) === undefined ? [] : ['DATABASE_URL']),
  ])
}

/** @param first port of the first process; undefined where none serves metrics */
function withMetrics(specs: ServiceSpecs, first: number | undefined): ServiceSpecs {
  if (first === undefined) return specs
  const order = everyProcess(specs)
  const served = (spec: ProcessSpec): ProcessSpec => ({
    ...spec,
    env: { ...spec.env, METRICS_PORT: String(first + order.indexOf(spec)) },
  })
  const { connections, capacities, consumers, gateways } = specs
  return {
    connections: served(connections),
    capacities: capacities.map(served),
    consumers: consumers.map(served),
    gateways: gateways.map(served),
  }
}

function serviceSpec(
  context: ServiceContext,
  service: ServiceName,
  name: string,
  env: Readonly<Record<string, string>>,
): ProcessSpec {
  const { settings, inherited, extra, programOf } = context
  return {
    name,
    file: programOf(service),
    nodeOptions: nodeOptionsOf(service),
    env: {
      ...inherited,
      ...natsEnvironment(context, service),
      LOG_LEVEL: settings.LOG_LEVEL,
      NODE_COMPILE_CACHE: compileCacheDir,
      ...env,
      ...extra[service],
    },
    readyTimeoutMs: SERVICE_READY_MS,
    stopTimeoutMs: STOP_MS,
  }
}

/**
 * The options of Node that a service is started with. What a gateway has for the requests under way dies together with them: in the
 * young generation that V8 begins with (1 MiB) it is copied several times before, at a fifth of the gateway's CPU time, and V8 shrinks it
 * to that again in every quiet moment.
 */
export function nodeOptionsOf(service: ServiceName): readonly string[] {
  return service === 'gateway' ? ['--min-semi-space-size=16'] : []
}

/** How a service reaches NATS: as its own user, of whom it alone is told the password. */
function natsEnvironment({ settings, natsUrl, natsPasswords }: ServiceContext, service: ServiceName) {
  if (natsPasswords !== undefined) {
    return { NATS_URL: natsUrl, NATS_USER: service, NATS_PASSWORD: natsPasswords[service] }
  }
  const given: Record<string, string> = { NATS_URL: natsUrl }
  for (const name of NATS_SETTINGS) {
    const value = settings[name]
    if (value !== undefined) given[name] = value
  }
  return given
}
