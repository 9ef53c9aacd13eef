import { type Static, Type } from 'typebox'
import { defineBucket } from '../define.ts'

/** One live capacity instance; the key is its id. Written each second, gone three seconds after the last time. */
export type CapacityMember = Static<typeof CapacityMember>
export const CapacityMember = Type.Object({ instance: Type.String(), startedAtMs: Type.Integer() })

export const MEMBER_HEARTBEAT_MS = 1_000
export const MEMBER_EXPIRY_MS = 3_000

export const capacityMembers = defineBucket({
  name: 'capacity-members',
  value: CapacityMember,
  expiryMs: MEMBER_EXPIRY_MS,
})

/** The authoritative counters, a key a connection. Only the capacity service knows what is in a value. */
export const capacityRecords = defineBucket({ name: 'capacity', value: Type.Unknown() })
