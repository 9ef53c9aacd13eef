import { commonSettings } from '@sluice/service-kit'
import { type Static, Type } from 'typebox'

export type CapacityConfig = Static<typeof CapacityConfig>
export const CapacityConfig = Type.Object({
  ...commonSettings,
  /** This instance's name; must be unique among the capacity instances. Absent: a random one. */
  CAPACITY_INSTANCE: Type.Optional(
    Type.String({
      pattern: '^[A-Za-z0-9_-]{1,64}$',
      errorMessage: 'must be 1 to 64 letters (a to z, A to Z), digits, "_" and "-"',
    }),
  ),
  /**
   * For how long the NATS server may keep a write before it is safe from a power cut (its `sync_interval`); 0: it
   * syncs every write.
   */
  NATS_SYNC_INTERVAL_MS: Type.Integer({ minimum: 0, maximum: 3_600_000, default: 120_000 }),
  /**
   * Counts charges that the store may have lost (in a power cut, or rolled back) as used until they would have slid
   * out.
   */
  ASSUME_LOST_AS_USED: Type.Boolean({ default: true }),
  /** The file with the id of the machine's boot. If it does not exist, power cuts are not recognized. */
  BOOT_ID_FILE: Type.String({ default: '/proc/sys/kernel/random/boot_id' }),
})
