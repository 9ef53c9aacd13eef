import { commonSettings } from '@sluice/service-kit'
import { type Static, Type } from 'typebox'

/** Every setting of the service, as environment variables. */
export type UsageConfig = Static<typeof UsageConfig>
export const UsageConfig = Type.Object({
  ...commonSettings,
  /** PostgreSQL 14 or newer, `postgres://user:password@host:port/database`. The service keeps to the schema `usage` of it. */
  DATABASE_URL: Type.String({
    pattern: '^postgres(ql)?://',
    errorMessage: 'must be a URL of PostgreSQL, such as postgres://user@host:5432/database',
  }),
  /** For how many days usage is kept by the minute; then by the hour, and then by the day. Each at least as long as the one before. */
  MINUTES_KEPT_DAYS: Type.Integer({ minimum: 1, maximum: 400, default: 7 }),
  HOURS_KEPT_DAYS: Type.Integer({ minimum: 1, maximum: 4_000, default: 90 }),
  /** Beyond, usage is forgotten, a calendar year at a time. */
  DAYS_KEPT_DAYS: Type.Integer({ minimum: 1, maximum: 40_000, default: 1_830 }),
  /** JSON with the shape of `src/prices/prices.json`, used in its place. */
  PRICE_LIST_FILE: Type.Optional(Type.String()),
})
