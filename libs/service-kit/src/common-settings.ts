import { Type } from 'typebox'
import { LogLevel } from './logger.ts'

/** Settings that every service has. */
export const commonSettings = {
  /** NATS servers, comma-separated URLs. */
  NATS_URL: Type.String({ default: 'nats://127.0.0.1:4222' }),
  /** The service's user on NATS; empty where the server asks for none. */
  NATS_USER: Type.Optional(Type.String()),
  NATS_PASSWORD: Type.Optional(Type.String()),
  /** Copies of each stream and bucket: 1 on a single server, 3 in a cluster. */
  NATS_REPLICAS: Type.Integer({ minimum: 1, maximum: 5, default: 1 }),
  /** The least severe log line that is written. */
  LOG_LEVEL: LogLevel,
} as const

/** The settings of {@link commonSettings} that reach NATS, as the bus takes them. */
export function busOptions(
  config: { NATS_URL: string; NATS_USER?: string; NATS_PASSWORD?: string; NATS_REPLICAS: number },
  name: string,
) {
  return {
    servers: config.NATS_URL,
    name,
    replicas: config.NATS_REPLICAS,
    ...(config.NATS_USER === undefined ? {} : { user: config.NATS_USER, password: config.NATS_PASSWORD ?? '' }),
  }
}
