import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CapacityConfig } from '@sluice/capacity/config'
import { ConnectionsConfig } from '@sluice/connections/config'
import { DiscoveryConfig } from '@sluice/discovery/config'
import { GatewayConfig } from '@sluice/gateway/config'
import { UsageConfig } from '@sluice/usage/config'
import type { TObject } from 'typebox'

/**
 * Chooses which of this process's environment variables reach which service, and writes each service's environment to
 * a file.
 */

export type Environment = Readonly<Record<string, string>>

export const SERVICE_SETTINGS = {
  connections: ConnectionsConfig,
  capacity: CapacityConfig,
  discovery: DiscoveryConfig,
  usage: UsageConfig,
  gateway: GatewayConfig,
} as const

export type ServiceName = keyof typeof SERVICE_SETTINGS

/** An environment for each service. */
export type ServiceEnvironments = Readonly<Partial<Record<ServiceName, Environment>>>

/** Settings about a NATS that the start does not run. */
export const NATS_SETTINGS = [
  'NATS_USER',
  'NATS_PASSWORD',
  'NATS_TLS_CA_FILE',
  'NATS_TLS_CERT_FILE',
  'NATS_TLS_KEY_FILE',
  'NATS_REPLICAS',
] as const

/** The start alone decides these: where things are, who a service is to them, and what differs between instances. */
const DECIDED_BY_THE_START: ReadonlySet<string> = new Set([
  'NATS_URL',
  ...NATS_SETTINGS,
  'NATS_SYNC_INTERVAL_MS',
  'DATABASE_URL',
  'METRICS_PORT',
  'LOG_LEVEL',
  'ADMIN_HOST',
  'ADMIN_PORT',
  'GATEWAY_HOST',
  'GATEWAY_PORT',
  'CAPACITY_INSTANCE',
  'ALLOW_INSECURE_UPSTREAM',
  'MASTER_KEY',
  'MASTER_KEY_FILE',
  'OPERATOR_TOKEN_FILE',
])

/**
 * Returns the variables that each service gets for itself: those that its own settings declare. A service that calls
 * AWS, which its setting `STS_ENDPOINT` shows, also gets its identity there, in every form that AWS's SDK reads.
 */
export function serviceEnvironments(
  env: Readonly<Record<string, string | undefined>>,
  settings: Readonly<Record<ServiceName, TObject>> = SERVICE_SETTINGS,
): Record<ServiceName, Environment> {
  const environmentOf = (service: ServiceName) => {
    const { properties } = settings[service]
    const callsAws = 'STS_ENDPOINT' in properties
    return chosen(env, (name) => {
      if (DECIDED_BY_THE_START.has(name)) return false
      return name in properties || (callsAws && name.startsWith('AWS_'))
    })
  }
  return {
    connections: environmentOf('connections'),
    capacity: environmentOf('capacity'),
    discovery: environmentOf('discovery'),
    usage: environmentOf('usage'),
    gateway: environmentOf('gateway'),
  }
}

const INHERITED = new Set([
  'HOME',
  'LANG',
  'PATH',
  'TMPDIR',
  'TZ',
  'NODE_EXTRA_CA_CERTS',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
])
const INHERITED_PREFIXES = ['OTEL_', 'LC_']

/**
 * Returns the variables that every process gets: where things are on this machine, and where telemetry goes. The
 * shell's secrets are not among them.
 */
export function inheritedEnvironment(env: Readonly<Record<string, string | undefined>>): Environment {
  return chosen(env, (name) => INHERITED.has(name) || INHERITED_PREFIXES.some((prefix) => name.startsWith(prefix)))
}

function chosen(
  env: Readonly<Record<string, string | undefined>>,
  isChosen: (name: string) => boolean,
): Record<string, string> {
  const result: Record<string, string> = {}
  for (const [name, value] of Object.entries(env)) if (value !== undefined && isChosen(name)) result[name] = value
  return result
}

/**
 * Writes the environment of each service into a file of its own, for `node --env-file`, so that the service's commands
 * can be run beside it. Only this user can read the files: they contain passwords of the servers that the start made.
 * @param given names of variables from outside: they may hold secrets that belong in no file, and are left out
 */
export async function writeEnvironmentFiles(
  folder: string,
  instances: readonly { readonly name: string; readonly env: Environment }[],
  given: ReadonlySet<string>,
): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  for (const { name, env } of instances) {
    const lines = Object.entries(env)
      .filter(([variable]) => !given.has(variable))
      .map(([variable, value]) => `${variable}=${quoted(value)}\n`)
    const file = join(folder, `${name}.env`)
    await writeFile(file, lines.join(''), { mode: 0o600 })
    // A file that existed keeps its mode otherwise.
    await chmod(file, 0o600)
  }
}

/** Node takes a quoted value as it stands; the quotes themselves cannot be escaped in it. */
function quoted(value: string): string {
  const quote = ["'", '"', '`'].find((each) => !value.includes(each)) ?? ''
  return `${quote}${value}${quote}`
}
