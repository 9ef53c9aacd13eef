import type { Denied, WindowState } from '@sluice/contracts'

/** A permit was not granted: why, when to come back, and how the connection's limits stand. */
export interface PermitDenial {
  readonly status: 'denied'
  readonly denied: Denied
  readonly windows: readonly WindowState[]
}

/** How long until the same permit may be granted; Infinity where waiting never helps. */
export function retryAfterMs({ denied }: PermitDenial): number {
  return denied.code === 'request_exceeds_capacity' ? Number.POSITIVE_INFINITY : denied.retryAfterMs
}
