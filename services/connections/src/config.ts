import { commonSettings } from '@sluice/service-kit'
import { type Static, Type } from 'typebox'
import { KeyServiceId } from './domain/envelope.ts'

/** Every setting of the service, as environment variables. */
export type ConnectionsConfig = Static<typeof ConnectionsConfig>
export const ConnectionsConfig = Type.Object({
  ...commonSettings,
  /** PostgreSQL, `postgres://user:password@host:port/database`. The service keeps to the schema `connections` of it. */
  DATABASE_URL: Type.String({ minLength: 1 }),
  /** The admin API's address and port; 0 takes a free port. */
  ADMIN_HOST: Type.String({ default: '127.0.0.1' }),
  ADMIN_PORT: Type.Integer({ minimum: 0, maximum: 65_535, default: 8081 }),
  /** What wraps new data keys; the other one unwraps what it wrapped in the past, where its settings are there too. */
  KEY_SERVICE: Type.Union([...KeyServiceId.anyOf], { default: 'libsodium' }),
  /**
   * Key or alias of AWS KMS, as ARN, id or name. More may follow, comma-separated: the first wraps, and every key of the same accounts
   * and regions unwraps.
   */
  KMS_KEY_ID: Type.Optional(Type.String()),
  /** Where KMS is, if not at AWS' own address of the region: `http://127.0.0.1:4566`. */
  KMS_ENDPOINT: Type.Optional(Type.String()),
  /** How long one operation of KMS may take with all its retries, in milliseconds. */
  KMS_TIMEOUT_MS: Type.Integer({ minimum: 100, maximum: 60_000, default: 5_000 }),
  /** Region and credentials for AWS; what is absent is found where AWS' SDK always looks: profile, container, instance. */
  AWS_REGION: Type.Optional(Type.String()),
  AWS_ACCESS_KEY_ID: Type.Optional(Type.String()),
  AWS_SECRET_ACCESS_KEY: Type.Optional(Type.String()),
  AWS_SESSION_TOKEN: Type.Optional(Type.String()),
  /** File of master keys, 32 bytes in base64, one a line: the first wraps, all unwrap. Nobody but its owner may read it. */
  MASTER_KEY_FILE: Type.Optional(Type.String()),
  /** The same as text, one key a line, where there is no file. */
  MASTER_KEY: Type.Optional(Type.String()),
  /** Where the first operator token is written when there is none (mode 0600). Absent: none is made at start. */
  OPERATOR_TOKEN_FILE: Type.Optional(Type.String()),
  /** Where AWS roles are assumed for connection tests; AWS's own address when absent. */
  STS_ENDPOINT: Type.Optional(Type.String()),
  /** Whether a base URL may be http to this machine itself: for tests and demos. */
  ALLOW_INSECURE_UPSTREAM: Type.Boolean({ default: false }),
})
