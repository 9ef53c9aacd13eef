import { documentErrors } from '@sluice/contracts'
import { type Static, type TObject, type TSchema, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { type Logger, LogLevel } from './logger.ts'

/** One or more settings are missing or wrong; the message names each of them on a line of its own. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}

/**
 * Reads the settings that `schema` names from environment variables: coerced from text, with the schema's defaults.
 * An empty variable counts as unset.
 * @throws ConfigError naming every setting that is missing or wrong; never showing a value, which may be a secret
 */
export function readConfig<S extends TObject>(schema: S, env: Readonly<Record<string, string | undefined>>): Static<S> {
  const given: Record<string, unknown> = {}
  for (const [name, property] of Object.entries<TSchema>(schema.properties)) {
    const text = env[name]
    if (text !== undefined && text !== '') given[name] = coerce(property, text)
  }
  const validator = Compile(schema)
  const config = validator.Default(given)
  if (validator.Check(config)) return config as Static<S>
  const lines = documentErrors(schema, config).map(({ field, message }) => `${field} ${message}`)
  throw new ConfigError(lines.join('\n'))
}

/** Parses the text of a number or a boolean; returns any other text unchanged, for the schema to reject. */
function coerce(property: TSchema, text: string): unknown {
  const type = (property as { type?: unknown }).type
  if ((type === 'integer' || type === 'number') && text.trim() !== '' && !Number.isNaN(Number(text)))
    return Number(text)
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true'
  return text
}

/** Settings that every service has. */
export const commonSettings = {
  /** NATS servers, comma-separated URLs. */
  NATS_URL: Type.String({ default: 'nats://127.0.0.1:4222' }),
  /** The service's user on NATS; absent where the server requires none. */
  NATS_USER: Type.Optional(Type.String()),
  NATS_PASSWORD: Type.Optional(Type.String()),
  /**
   * PEM file of the authorities that issue the servers' certificates. If set, TLS is required, and NATS_URL must
   * contain host names.
   */
  NATS_TLS_CA_FILE: Type.Optional(Type.String()),
  /** PEM files of the client certificate, for servers that require one, and of its key: both or neither. */
  NATS_TLS_CERT_FILE: Type.Optional(Type.String()),
  NATS_TLS_KEY_FILE: Type.Optional(Type.String()),
  /** Copies of each stream and bucket: 1 on a single server, 3 in a cluster. */
  NATS_REPLICAS: Type.Integer({ minimum: 1, maximum: 5, default: 1 }),
  /** The address of `/metrics` for Prometheus, which is served only if a port is set. */
  METRICS_HOST: Type.String({ default: '127.0.0.1' }),
  METRICS_PORT: Type.Optional(Type.Integer({ minimum: 1, maximum: 65_535 })),
  /** The least severe log line that is written. */
  LOG_LEVEL: LogLevel,
} as const

/** The settings that {@link busOptions} reads. */
export interface NatsSettings {
  readonly NATS_URL: string
  readonly NATS_USER?: string
  readonly NATS_PASSWORD?: string
  readonly NATS_TLS_CA_FILE?: string
  readonly NATS_TLS_CERT_FILE?: string
  readonly NATS_TLS_KEY_FILE?: string
  readonly NATS_REPLICAS: number
}

/**
 * Returns the options of the bus, from the settings in {@link commonSettings} about NATS.
 * @param logger logs a warning if no server can be reached at first; the bus then waits for one
 * @throws ConfigError when a certificate has no key, or a key no certificate
 */
export function busOptions(config: NatsSettings, name: string, logger: Logger) {
  const tls = tlsOptions(config)
  return {
    servers: config.NATS_URL,
    name,
    replicas: config.NATS_REPLICAS,
    onAbsent: (err: unknown) => logger.warn({ err }, 'NATS is not there yet, waiting for it'),
    ...(config.NATS_USER === undefined ? {} : { user: config.NATS_USER, password: config.NATS_PASSWORD ?? '' }),
    ...(tls === undefined ? {} : { tls }),
  }
}

function tlsOptions({
  NATS_TLS_CA_FILE: caFile,
  NATS_TLS_CERT_FILE: certFile,
  NATS_TLS_KEY_FILE: keyFile,
}: NatsSettings) {
  if ((certFile === undefined) !== (keyFile === undefined)) {
    throw new ConfigError('NATS_TLS_CERT_FILE and NATS_TLS_KEY_FILE are set together or not at all')
  }
  if (caFile === undefined && certFile === undefined) return undefined
  return {
    ...(caFile === undefined ? {} : { caFile }),
    ...(certFile === undefined || keyFile === undefined ? {} : { certFile, keyFile }),
  }
}
