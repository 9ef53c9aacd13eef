import { commonSettings } from '@sluice/service-kit'
import { type Static, Type } from 'typebox'

/** Every setting of the service, as environment variables. */
export type UsageConfig = Static<typeof UsageConfig>
export const UsageConfig = Type.Object({
  ...commonSettings,
  /**
   * PostgreSQL 14 or newer, `postgres://user:password@host:port/database`. The service keeps to the schema `usage` of
   * it.
   */
  DATABASE_URL: Type.String({
    pattern: '^postgres(ql)?://',
    errorMessage: 'must be a URL of PostgreSQL, such as postgres://user@host:5432/database',
  }),
  /**
   * For how many days rollups of a minute are kept; then those of an hour, and then of a day. Each must be at least as
   * long as the one before.
   */
  MINUTE_ROLLUP_RETENTION_DAYS: Type.Integer({ minimum: 1, maximum: 400, default: 7 }),
  HOUR_ROLLUP_RETENTION_DAYS: Type.Integer({ minimum: 1, maximum: 4_000, default: 90 }),
  /** After that, usage is deleted, a calendar year at a time. */
  DAY_ROLLUP_RETENTION_DAYS: Type.Integer({ minimum: 1, maximum: 40_000, default: 1_830 }),
  /** JSON with the shape of `src/prices/prices.json`, used in its place. */
  PRICE_LIST_FILE: Type.Optional(Type.String()),
})
