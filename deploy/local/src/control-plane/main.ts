import { ConnectionsConfig, start as startConnections } from '@sluice/connections'
import { DiscoveryConfig, start as startDiscovery } from '@sluice/discovery'
import {
  ConfigError,
  commonSettings,
  createLogger,
  type Logger,
  readConfig,
  runService,
  type Service,
} from '@sluice/service-kit'
import { start as startUsage, UsageConfig } from '@sluice/usage'
import { type Static, type TObject, Type } from 'typebox'
import { Value } from 'typebox/value'

/**
 * Runs the services of the control plane in one process, which on one machine saves two thirds of their memory. Each
 * is started as in a process of its own, with its own user on NATS and its own role in PostgreSQL.
 */

const Environments = Type.Object({
  connections: Type.Record(Type.String(), Type.String()),
  discovery: Type.Record(Type.String(), Type.String()),
  usage: Type.Record(Type.String(), Type.String()),
})

const config = Type.Object({
  ...commonSettings,
  /** JSON: the environment of each service, by the service's name. */
  SERVICE_ENVIRONMENTS: Type.String(),
})

async function start({ SERVICE_ENVIRONMENTS, LOG_LEVEL }: Static<typeof config>): Promise<Service> {
  const environments: unknown = JSON.parse(SERVICE_ENVIRONMENTS)
  if (!Value.Check(Environments, environments))
    throw new ConfigError('SERVICE_ENVIRONMENTS does not name every service')

  const startOne = async <Settings extends TObject>(
    service: keyof typeof environments,
    settings: Settings,
    startService: (config: Static<Settings>, logger: Logger) => Promise<Service>,
  ): Promise<Service> => {
    try {
      return await startService(readConfig(settings, environments[service]), createLogger(service, LOG_LEVEL))
    } catch (error) {
      throw error instanceof ConfigError ? new ConfigError(`${service}:\n${error.message}`) : error
    }
  }

  // The others wait for what it makes on NATS.
  const connections = await startOne('connections', ConnectionsConfig, startConnections)
  const consumers = await Promise.all([
    startOne('discovery', DiscoveryConfig, startDiscovery),
    startOne('usage', UsageConfig, startUsage),
  ])
  return {
    stop: async () => {
      await Promise.all(consumers.map((service) => service.stop()))
      await connections.stop()
    },
  }
}

await runService({ name: 'control-plane', config, start }, process.env)
