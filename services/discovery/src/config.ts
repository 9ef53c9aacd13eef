import { responses } from '@sluice/contracts'
import { commonSettings } from '@sluice/service-kit'
import { type Static, Type } from 'typebox'

const HTTP_URL = 'must be a URL that begins with http:// or https://'

/** Every setting of the service, as environment variables. */
export type DiscoveryConfig = Static<typeof DiscoveryConfig>
export const DiscoveryConfig = Type.Object({
  ...commonSettings,
  /** PostgreSQL, `postgres://user:password@host:port/database`. The service keeps to the schema `discovery` of it. */
  DATABASE_URL: Type.String({
    pattern: '^postgres(ql)?://',
    errorMessage: 'must be a URL of PostgreSQL, such as postgres://user@host:5432/database',
  }),
  /**
   * How much of NATS' disk the response events take at most, in bytes, when their stream is created; the oldest go
   * first.
   */
  RESPONSES_MAX_BYTES: Type.Integer({ minimum: 1024 ** 2, default: responses.maxBytes }),
  /** Where AWS roles are assumed, and quotas are read, in place of AWS's own in each connection's region. */
  STS_ENDPOINT: Type.Optional(Type.String({ pattern: '^https?://', errorMessage: HTTP_URL })),
  SERVICE_QUOTAS_ENDPOINT: Type.Optional(Type.String({ pattern: '^https?://', errorMessage: HTTP_URL })),
})
