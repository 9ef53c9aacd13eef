import { join } from 'node:path'
import type { DatabaseService } from '@sluice/local-servers'
import { givenDatabaseUrls, type LocalSettings } from './config.ts'
import { type StackPaths, servicePath } from './data-folder.ts'
import type { ServiceSpec } from './launch.ts'
import type { StackPorts } from './ports.ts'
import type { Servers } from './servers.ts'
import { type Environment, NATS_SETTINGS, type ServiceEnvironments, type ServiceName } from './service-environment.ts'

/** The environments of a run's services, and the processes in which they run. */

/** A program that runs services as a process. */
export type ProgramName = 'control-plane' | 'capacity' | 'gateway'

export interface ServiceContext {
  readonly settings: LocalSettings
  readonly paths: StackPaths
  readonly ports: StackPorts
  readonly servers: Servers
  /** The environment of every process. */
  readonly inherited: Environment
  /** Environment of single services, over what they get otherwise. */
  readonly extra: ServiceEnvironments
  readonly programOf: (program: ProgramName) => string
}

export interface ServiceInstance {
  readonly service: ServiceName
  /** `gateway-1` */
  readonly name: string
  readonly env: Environment
}

const LOOPBACK = '127.0.0.1'
const READY_MS = 60_000
/** Longer than a service takes to give up by itself. */
const STOP_MS = 20_000

/** Returns every service of a run, with its environment. */
export function serviceInstances(context: ServiceContext): readonly ServiceInstance[] {
  const { settings, paths, ports, servers } = context
  const database = (service: DatabaseService) => ({ DATABASE_URL: servers.databaseUrls[service] })
  const upstream = { ALLOW_INSECURE_UPSTREAM: String(settings.ALLOW_INSECURE_UPSTREAM) }
  const instance = (service: ServiceName, name: string, env: Environment): ServiceInstance => ({
    service,
    name,
    env: {
      ...context.inherited,
      ...natsEnvironment(context, service),
      LOG_LEVEL: settings.LOG_LEVEL,
      ...env,
      ...context.extra[service],
    },
  })
  return [
    instance('connections', 'connections', {
      ...database('connections'),
      ...upstream,
      ADMIN_HOST: LOOPBACK,
      ADMIN_PORT: String(ports.admin),
      MASTER_KEY_FILE: paths.masterKeyFile,
      OPERATOR_TOKEN_FILE: paths.operatorTokenFile,
    }),
    instance('discovery', 'discovery', database('discovery')),
    instance('usage', 'usage', database('usage')),
    ...Array.from({ length: settings.CAPACITY_INSTANCES }, (_, index) =>
      instance('capacity', `capacity-${index + 1}`, { NATS_SYNC_INTERVAL_MS: String(servers.natsSyncIntervalMs) }),
    ),
    ...ports.gateways.map((port, index) =>
      instance('gateway', `gateway-${index + 1}`, {
        ...upstream,
        GATEWAY_HOST: LOOPBACK,
        GATEWAY_PORT: String(port),
      }),
    ),
  ]
}

/** The services that share one process, in which each gets only its own environment. */
const CONTROL_PLANE: readonly ServiceName[] = ['connections', 'discovery', 'usage']

export interface ServiceProcesses {
  readonly controlPlane: ServiceSpec
  readonly capacities: readonly ServiceSpec[]
  readonly gateways: readonly ServiceSpec[]
}

/**
 * Returns the processes that run `instances`. Gateways and capacity, which every call passes through, have processes
 * of their own; the other services share one, which saves memory.
 */
export function serviceProcesses(
  instances: readonly ServiceInstance[],
  { settings, inherited, extra, programOf }: ServiceContext,
): ServiceProcesses {
  const process = (name: string, program: ProgramName, env: Environment): ServiceSpec => ({
    name,
    program: programOf(program),
    nodeOptions: nodeOptionsOf(program),
    env,
    readyTimeoutMs: READY_MS,
    stopTimeoutMs: STOP_MS,
  })
  const own = (service: 'capacity' | 'gateway') =>
    instances.filter((each) => each.service === service).map(({ name, env }) => process(name, service, env))
  const shared = instances.filter(({ service }) => CONTROL_PLANE.includes(service))
  const aws = CONTROL_PLANE.flatMap((service) => Object.entries(extra[service] ?? {})).filter(([name]) =>
    name.startsWith('AWS_'),
  )
  const controlPlane = process('control-plane', 'control-plane', {
    ...inherited,
    // AWS's SDK reads them from the process's own environment.
    ...Object.fromEntries(aws),
    LOG_LEVEL: settings.LOG_LEVEL,
    SERVICE_ENVIRONMENTS: JSON.stringify(Object.fromEntries(shared.map(({ service, env }) => [service, env]))),
  })
  return withMetrics({ controlPlane, capacities: own('capacity'), gateways: own('gateway') }, settings.METRICS_PORT)
}

/** Returns the program of a process: a service's own, or the one that runs several. */
export function programPath(program: ProgramName): string {
  return program === 'control-plane' ? join(import.meta.dirname, 'control-plane/main.ts') : servicePath(program)
}

/**
 * Returns the options of Node for a program. A gateway allocates for each request under way, and all of it dies with
 * the request. In the young generation that V8 begins with (1 MiB) it is copied several times before, at a fifth of
 * the gateway's CPU time, and V8 shrinks the young generation to that again in every quiet moment.
 */
export function nodeOptionsOf(program: ProgramName | ServiceName): readonly string[] {
  return program === 'gateway' ? ['--min-semi-space-size=16'] : []
}

/**
 * Returns the names of what the services have from outside: it may hold secrets, which the start must not write down.
 */
export function givenNames({ settings, inherited, extra }: ServiceContext): ReadonlySet<string> {
  return new Set([
    ...Object.keys(inherited),
    ...Object.values(extra).flatMap((own) => Object.keys(own)),
    ...(settings.NATS_URL === undefined ? [] : [...NATS_SETTINGS, 'NATS_URL']),
    ...(givenDatabaseUrls(settings) === undefined ? [] : ['DATABASE_URL']),
  ])
}

/** @param first port of the first process; undefined when no process serves metrics */
function withMetrics(processes: ServiceProcesses, first: number | undefined): ServiceProcesses {
  if (first === undefined) return processes
  const { controlPlane, capacities, gateways } = processes
  const order = [controlPlane, ...capacities, ...gateways]
  const served = (spec: ServiceSpec): ServiceSpec => ({
    ...spec,
    env: { ...spec.env, METRICS_PORT: String(first + order.indexOf(spec)) },
  })
  return { controlPlane: served(controlPlane), capacities: capacities.map(served), gateways: gateways.map(served) }
}

/** Returns how a service reaches NATS: as its own user, whose password no other service gets. */
function natsEnvironment({ settings, servers }: ServiceContext, service: ServiceName): Environment {
  const { natsUrl, natsPasswords } = servers
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
