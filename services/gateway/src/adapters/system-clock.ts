import type { Clock } from '../ports/clock.ts'

export function systemClock(): Clock {
  return { nowMs: () => Date.now(), elapsedMs: () => performance.now() }
}
