/**
 * By how much the counting of a permit outlasts its period at least. It covers a permit's age when its request leaves and
 * {@link WAY_TO_PROVIDER_MS}, so that the limit also holds in any interval by the provider's clock. Less than the shortest slot (1 s).
 */
export const DELIVERY_SLACK_MS = 500

/** The longest slack that a gateway far from its counters may ask for: the shortest slot. Each charge then counts for one more slot. */
export const MAX_DELIVERY_SLACK_MS = 1_000

/** The part of the slack that is kept for a request's way to its provider. */
export const WAY_TO_PROVIDER_MS = 250

/**
 * How long after its charge a permit may still be used, at the shortest slack. A request whose permit is older when it could leave
 * (a slow handshake, a lost reply) is not written; its permit goes back and a fresh one is acquired.
 */
export const PERMIT_MAX_AGE_MS = DELIVERY_SLACK_MS - WAY_TO_PROVIDER_MS

/** Lanes of gateways that were not heard of for this long leave the connection's record. */
export const LANE_EXPIRY_MS = 120_000

/**
 * How old an exchange may be, by the counters' clock, to be applied: less than the memory of lanes, which then still knows it if it
 * was applied before. The difference covers what two instances' clocks may differ by.
 */
export const EXCHANGE_MAX_AGE_MS = LANE_EXPIRY_MS - 5_000
