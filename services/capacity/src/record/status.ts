import {
  amountOf,
  type CapacityStatus,
  type CoolDownStatus,
  type Cost,
  type ModelWindowStatus,
  NO_COST,
  sumOf,
  type WindowState,
} from '@sluice/contracts'
import { poolOf } from './cool-downs.ts'
import { type HeldLimits, type Limits, toldOf } from './limits.ts'
import { observedBudgetKey } from './observed-budget.ts'
import type { CapacityRecord } from './record.ts'
import { isEmpty, slotEndsCountingAtMs, used, type Window, type Windows } from './window.ts'

/** Each configured limit as it stands on a record that was advanced to now, for the `RateLimit` headers. */
export function figuresOf({ windows, clockMs }: CapacityRecord, { configured }: HeldLimits): WindowState[] {
  return figuresIn(windows, clockMs, configured)
}

/** The whole state of a connection's limits on a record that was advanced to now. */
export function statusOf(connectionId: string, record: CapacityRecord, limits: HeldLimits): CapacityStatus {
  let open: Cost = NO_COST
  for (const session of record.sessions.values()) open = sumOf(open, session.open)
  return {
    connectionId,
    windows: figuresOf(record, limits).map((figures) => {
      const inWindow = used(record.windows[figures.period], figures.metric)
      // A request that has been under way for longer than the period is in its window no more.
      return { ...figures, used: inWindow, reserved: Math.min(inWindow, amountOf(open, figures.metric)) }
    }),
    ...(limits.discovered === undefined ? {} : { models: modelStatuses(record, limits) }),
    cooldowns: coolDownStatuses(record),
    ...assumedStatus(record),
  }
}

function coolDownStatuses({ cooldowns, clockMs }: CapacityRecord): CoolDownStatus[] {
  return [...cooldowns].flatMap(([key, each]) =>
    each.map(({ minTokens, endsAtMs, trialAtMs }) => ({
      ...poolOf(key),
      ...(minTokens === 0 ? {} : { minTokens }),
      remainingMs: Math.max(0, Math.ceil(endsAtMs - clockMs)),
      ...(trialAtMs >= endsAtMs ? {} : { trialInMs: Math.max(0, Math.ceil(trialAtMs - clockMs)) }),
    })),
  )
}

function assumedStatus({ loss, clockMs }: CapacityRecord): Pick<CapacityStatus, 'assumed'> {
  const counting = loss?.assumed.filter(({ endsAtMs }) => endsAtMs > clockMs) ?? []
  if (counting.length === 0) return {}
  return { assumed: counting.map(({ endsAtMs, ...use }) => ({ ...use, remainingMs: endsAtMs - clockMs })) }
}

function modelStatuses({ models, clockMs }: CapacityRecord, limits: HeldLimits): ModelWindowStatus[] {
  return [...models].flatMap(([model, { windows, observedBudgets }]) =>
    figuresIn(windows, clockMs, toldOf(limits, model, clockMs)).map((figures) => {
      const { left, endsAtMs } = observedBudgets.get(observedBudgetKey(figures))?.lowered ?? NOT_LOWERED
      const remaining = Math.min(figures.remaining, Math.max(0, left))
      const resetMs = Math.max(figures.resetMs, endsAtMs - clockMs)
      return { model, ...figures, used: used(windows[figures.period], figures.metric), remaining, resetMs }
    }),
  )
}

function figuresIn(windows: Windows, nowMs: number, limits: Limits): WindowState[] {
  return limits.map(({ period, metric, limit }) => {
    const window = windows[period]
    const remaining = Math.max(0, limit - used(window, metric))
    return { period, metric, limit, remaining, resetMs: emptyInMs(window, nowMs) }
  })
}

/** How long until nothing counts in the window, if nothing more is charged. */
function emptyInMs(window: Window, nowMs: number): number {
  return isEmpty(window) ? 0 : Math.ceil(slotEndsCountingAtMs(window.period, window.newest.index) - nowMs)
}

const NOT_LOWERED = { left: Number.POSITIVE_INFINITY, endsAtMs: 0 }
