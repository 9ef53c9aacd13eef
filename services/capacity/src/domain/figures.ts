import type { CapacityStatus, WindowFigures } from '@sluice/contracts'
import type { Limits } from './limits.ts'
import type { CapacityRecord } from './record.ts'
import { slotEndsCountingAtMs, used, type Window } from './window.ts'

/** Each limit as it stands on a record that was advanced to now, for the `RateLimit` headers. */
export function figuresOf(record: CapacityRecord, limits: Limits): WindowFigures[] {
  return limits.map(({ period, metric, limit }) => {
    const window = record.windows[period]
    return {
      period,
      metric,
      limit,
      remaining: Math.max(0, limit - used(window, metric)),
      resetMs: emptyInMs(window, record.clockMs),
    }
  })
}

/** The whole state of a connection's limits on a record that was advanced to now. */
export function statusOf(connectionId: string, record: CapacityRecord, limits: Limits): CapacityStatus {
  const open = { requests: 0, tokens: 0 }
  for (const lane of record.lanes.values()) {
    open.requests += lane.open.requests
    open.tokens += lane.open.tokens
  }
  return {
    connectionId,
    windows: figuresOf(record, limits).map((figures) => {
      const inWindow = used(record.windows[figures.period], figures.metric)
      // A request that has been under way for longer than the period is in its window no more.
      return { ...figures, used: inWindow, reserved: Math.min(inWindow, open[figures.metric]) }
    }),
    cooldowns: [...record.cooldowns].map(([model, endsAtMs]) => ({
      model,
      remainingMs: Math.max(0, Math.ceil(endsAtMs - record.clockMs)),
    })),
  }
}

/** How long until nothing counts in the window, if nothing more is charged. */
function emptyInMs(window: Window, nowMs: number): number {
  const isEmpty = used(window, 'requests') === 0 && used(window, 'tokens') === 0
  return isEmpty ? 0 : Math.ceil(slotEndsCountingAtMs(window.period, window.newest.index) - nowMs)
}
