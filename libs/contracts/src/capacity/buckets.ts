import { type Static, Type } from 'typebox'
import { defineBucket } from '../define.ts'

/** One live capacity instance; the key is its id. Written each second, gone three seconds after the last time. */
export type CapacityMember = Static<typeof CapacityMember>
export const CapacityMember = Type.Object({
  instance: Type.String(),
  startedAtMs: Type.Integer(),
  /** The counters' clock as this instance has it when it writes this, Unix milliseconds. */
  clockMs: Type.Integer(),
})

export const MEMBER_HEARTBEAT_MS = 1_000
export const MEMBER_EXPIRY_MS = 3_000

export const capacityMembers = defineBucket({
  name: 'capacity-members',
  value: CapacityMember,
  expiryMs: MEMBER_EXPIRY_MS,
})

/**
 * How far the counters' clock had come, as the instances of one boot of a machine last wrote it; the key is the boot's id. With it
 * the clock goes on across restarts, and a start after a power cut is recognized.
 */
export type ClockMark = Static<typeof ClockMark>
export const ClockMark = Type.Object({
  /** Unix milliseconds. */
  clockMs: Type.Integer(),
  /** The machine's monotonic clock at that moment, milliseconds since its boot. */
  monotonicMs: Type.Number(),
  /** The instance that wrote it has stopped in order since. */
  stopped: Type.Boolean(),
  /** The latest span of the counters' clock of which the store may lack charges, as its machine lost power. */
  lost: Type.Optional(
    Type.Object({
      fromMs: Type.Integer(),
      untilMs: Type.Integer(),
      /** Whole records may be missing, with all that they counted until then. */
      vanished: Type.Optional(Type.Literal(true)),
    }),
  ),
})

/** Longer than any limit's period: what was counted before counts no more. */
export const CLOCK_MARK_EXPIRY_MS = 7 * 86_400_000

export const clockMarks = defineBucket({
  name: 'capacity-clock',
  value: ClockMark,
  expiryMs: CLOCK_MARK_EXPIRY_MS,
  isPrivate: true,
})

/** The authoritative counters, a key a connection. Only the capacity service knows what is in a value. */
export const capacityRecords = defineBucket({ name: 'capacity', value: Type.Unknown(), isPrivate: true })
