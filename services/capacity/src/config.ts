import { commonSettings } from '@sluice/service-kit'
import { type Static, Type } from 'typebox'

export type CapacityConfig = Static<typeof CapacityConfig>
export const CapacityConfig = Type.Object({
  ...commonSettings,
  /** This instance's name among the capacity instances; absent: a random one. Must be its own. */
  CAPACITY_INSTANCE: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$' })),
})
