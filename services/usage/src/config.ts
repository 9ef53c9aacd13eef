import { commonSettings } from '@sluice/service-kit'
import { type Static, Type } from 'typebox'

/** Every setting of the service, as environment variables. */
export type UsageConfig = Static<typeof UsageConfig>
export const UsageConfig = Type.Object({
  ...commonSettings,
  /** PostgreSQL 14 or newer, `postgres://user:password@host:port/database`. The service keeps to the schema `usage` of it. */
  DATABASE_URL: Type.String({ pattern: '^postgres(ql)?://' }),
})
