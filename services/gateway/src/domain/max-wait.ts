/** The longest that a request may wait for its permit. */
export const MAX_WAIT_MS = 600_000

/** The request header that says for how many seconds a request may wait. */
export const MAX_WAIT_HEADER = 'x-sluice-max-wait'

/**
 * How long a request may wait for its permit, in milliseconds: what its header says (seconds, with or without a fraction), or else
 * what the connection does. Undefined where the header is not a number from 0 to 600.
 */
export function maxWaitMs(header: string | string[] | undefined, connectionMaxWaitMs: number): number | undefined {
  if (header === undefined) return connectionMaxWaitMs
  if (typeof header !== 'string' || !/^\d{1,3}(\.\d{1,3})?$/.test(header)) return undefined
  const waitMs = Math.round(Number(header) * 1_000)
  return waitMs <= MAX_WAIT_MS ? waitMs : undefined
}
