import { commonSettings } from '@sluice/service-kit'
import { type Static, Type } from 'typebox'

/** Every setting of the service, as environment variables. */
export type ConnectionsConfig = Static<typeof ConnectionsConfig>
export const ConnectionsConfig = Type.Object({
  ...commonSettings,
  /** PostgreSQL, `postgres://user:password@host:port/database`. The service keeps to the schema `connections` of it. */
  DATABASE_URL: Type.String({ minLength: 1 }),
  /** The admin API's address and port; 0 takes a free port. */
  ADMIN_HOST: Type.String({ default: '127.0.0.1' }),
  ADMIN_PORT: Type.Integer({ minimum: 0, maximum: 65_535, default: 8081 }),
  /** File of master keys, 32 bytes in base64, one a line: the first wraps, all unwrap. Nobody but its owner may read it. */
  MASTER_KEY_FILE: Type.Optional(Type.String()),
  /** The same as text, one key a line, where there is no file. */
  MASTER_KEY: Type.Optional(Type.String()),
  /** Where the first operator token is written when there is none (mode 0600). Absent: none is made at start. */
  OPERATOR_TOKEN_FILE: Type.Optional(Type.String()),
  /** Whether a base URL may be http to this machine itself: for tests and demos. */
  ALLOW_INSECURE_UPSTREAM: Type.Boolean({ default: false }),
})
