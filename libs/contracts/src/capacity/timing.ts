/**
 * How long after its charge a permit may still be used. A gateway that gets one later (a lost reply, NATS restarted) gives
 * it back and asks again, so that a request never reaches the provider long after the instant it was counted at.
 */
export const PERMIT_MAX_AGE_MS = 250

/**
 * By how much the counting of a permit outlasts its period at least: it covers a permit's age (0.25 s) and its way to the provider
 * (0.25 s), so that the limit also holds in any interval by the provider's clock. Less than the shortest slot (1 s).
 */
export const DELIVERY_SLACK_MS = 500

/** A gateway stops repeating an exchange after this long: its lane may be forgotten after {@link LANE_EXPIRY_MS}. */
export const EXCHANGE_MAX_REPEAT_MS = 60_000

/** Lanes of gateways that were not heard of for this long leave the connection's record. */
export const LANE_EXPIRY_MS = 120_000
