import { commonSettings } from '@sluice/service-kit'
import { type Static, Type } from 'typebox'

export type CapacityConfig = Static<typeof CapacityConfig>
export const CapacityConfig = Type.Object({
  ...commonSettings,
  /** This instance's name among the capacity instances; absent: a random one. Must be its own. */
  CAPACITY_INSTANCE: Type.Optional(
    Type.String({
      pattern: '^[A-Za-z0-9_-]{1,64}$',
      errorMessage: 'must be 1 to 64 letters (a to z, A to Z), digits, "_" and "-"',
    }),
  ),
  /** For how long the NATS server keeps a write before it is safe from a power cut (its `sync_interval`); 0: it syncs every write. */
  NATS_SYNC_INTERVAL_MS: Type.Integer({ minimum: 0, maximum: 3_600_000, default: 120_000 }),
  /** Whether charges that may have been lost (a power cut, a store rolled back) are counted as used until they would have slid out. */
  ASSUME_LOST_AS_USED: Type.Boolean({ default: true }),
  /** Where the system tells which boot of the machine this is. Where there is no such file, a power cut is not recognized. */
  BOOT_ID_FILE: Type.String({ default: '/proc/sys/kernel/random/boot_id' }),
})
