import { type DatabaseUrls, SYNC_INTERVAL_PATTERN } from '@sluice/local-servers'
import { ConfigError, LogLevel, readConfig } from '@sluice/service-kit'
import { type Static, Type } from 'typebox'

const port = (description: string, value?: number) =>
  Type.Integer({ minimum: 0, maximum: 65_535, description, ...(value === undefined ? {} : { default: value }) })

const databaseUrl = (service: string) =>
  Type.Optional(
    Type.String({
      pattern: '^postgres(ql)?://',
      description: `PostgreSQL to use, with the role of ${service}. Unset: one is started`,
    }),
  )

/** Every setting of the embedded start. */
export type LocalSettings = Static<typeof LocalSettings>
export const LocalSettings = Type.Object({
  SLUICE_DATA_DIR: Type.String({
    default: '.sluice',
    description: 'Folder for everything that is kept: databases, keys, passwords. Relative to the project.',
  }),
  GATEWAY_PORT: port(
    'Port of the first gateway; each further one listens 100 above the one before. 0: free ports',
    8080,
  ),
  ADMIN_PORT: port('Port of the admin API. 0: a free port', 8081),
  GATEWAY_INSTANCES: Type.Integer({ minimum: 1, maximum: 16, default: 1, description: 'Gateways to run' }),
  CAPACITY_INSTANCES: Type.Integer({ minimum: 1, maximum: 16, default: 1, description: 'Capacity services to run' }),
  SLUICE_NATS_SERVER: Type.Optional(
    Type.String({ minLength: 1, description: 'nats-server to run. Unset: a current one is found or downloaded' }),
  ),
  NATS_SYNC_INTERVAL: Type.Optional(
    Type.String({
      pattern: SYNC_INTERVAL_PATTERN,
      description:
        'How often NATS forces what it stored to the disk: always, or a duration such as 500ms, 1s, 2m. Unset: 1s. ' +
        'With NATS_URL: the interval of those servers; unset, their default of 2m is assumed',
    }),
  ),
  NATS_URL: Type.Optional(
    Type.String({ minLength: 1, description: 'NATS servers to use, comma-separated URLs. Unset: one is started' }),
  ),
  NATS_USER: Type.Optional(Type.String({ description: 'User on the servers of NATS_URL' })),
  NATS_PASSWORD: Type.Optional(Type.String({ description: 'Password on the servers of NATS_URL' })),
  NATS_TLS_CA_FILE: Type.Optional(
    Type.String({ description: 'PEM file of the certificate authorities of the servers of NATS_URL' }),
  ),
  NATS_TLS_CERT_FILE: Type.Optional(
    Type.String({ description: 'PEM file of the client certificate for the servers of NATS_URL' }),
  ),
  NATS_TLS_KEY_FILE: Type.Optional(Type.String({ description: 'PEM file of its key' })),
  NATS_REPLICAS: Type.Optional(
    Type.String({ pattern: '^[1-5]$', description: 'Copies of each stream and bucket on the servers of NATS_URL' }),
  ),
  CONNECTIONS_DATABASE_URL: databaseUrl('connections'),
  DISCOVERY_DATABASE_URL: databaseUrl('discovery'),
  USAGE_DATABASE_URL: databaseUrl('usage'),
  METRICS_PORT: Type.Optional(
    port('Port of the metrics of the first process; each further process uses the next port. Unset: no metrics'),
  ),
  ALLOW_INSECURE_UPSTREAM: Type.Boolean({
    default: false,
    description: 'Whether a connection may use an upstream over http on this machine, as tests and the demo do',
  }),
  LOG_LEVEL: Type.Union(LogLevel.anyOf, {
    default: 'info',
    description: 'Lowest level of log lines to show, for every process',
  }),
  LOG_FORMAT: Type.Union([Type.Literal('text'), Type.Literal('json')], {
    default: 'text',
    description: 'text: readable lines behind the name of their service. json: JSON lines only',
  }),
})

/** Reads the settings from environment variables. @throws ConfigError naming every setting that is wrong */
export function readSettings(env: Readonly<Record<string, string | undefined>>): LocalSettings {
  const settings = readConfig(LocalSettings, env)
  const missing = DATABASE_SETTINGS.filter((name) => settings[name] === undefined)
  if (missing.length > 0 && missing.length < DATABASE_SETTINGS.length) {
    throw new ConfigError(
      `${missing.join(' and ')} must be set as well: each service connects to PostgreSQL with its own role`,
    )
  }
  return settings
}

/** Returns the URLs of a running PostgreSQL for each service; undefined when one is to be started. */
export function givenDatabaseUrls(settings: LocalSettings): DatabaseUrls | undefined {
  const { CONNECTIONS_DATABASE_URL, DISCOVERY_DATABASE_URL, USAGE_DATABASE_URL } = settings
  if (!CONNECTIONS_DATABASE_URL || !DISCOVERY_DATABASE_URL || !USAGE_DATABASE_URL) return undefined
  return { connections: CONNECTIONS_DATABASE_URL, discovery: DISCOVERY_DATABASE_URL, usage: USAGE_DATABASE_URL }
}

export const DATABASE_SETTINGS = ['CONNECTIONS_DATABASE_URL', 'DISCOVERY_DATABASE_URL', 'USAGE_DATABASE_URL'] as const
