/** A connection's limits as they stand: for the reply to a permit batch, and for operators. */
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
import { discoveredFor, type EnforcedLimits, type Limits } from './limits.ts'
import { observedBudgetKey } from './observed-budget.ts'
import type { CapacityRecord } from './record.ts'
import { isEmpty, slotEndsCountingAtMs, used, type Window, type Windows } from './window.ts'

/** Returns the state of each configured limit on a record that was advanced to now, for the `RateLimit` headers. */
export function windowStates({ windows, clockMs }: CapacityRecord, { configured }: EnforcedLimits): WindowState[] {
  return windowStatesIn(windows, clockMs, configured)
}

/** Returns the full status of a connection on a record that was advanced to now. */
export function statusOf(connectionId: string, record: CapacityRecord, limits: EnforcedLimits): CapacityStatus {
  let open: Cost = NO_COST
  for (const session of record.sessions.values()) open = sumOf(open, session.open)
  return {
    connectionId,
    windows: windowStates(record, limits).map((state) => {
      const inWindow = used(record.windows[state.period], state.metric)
      // A request that has been open for longer than the period is no longer in its window.
      return { ...state, used: inWindow, reserved: Math.min(inWindow, amountOf(open, state.metric)) }
    }),
    ...(limits.discovered === undefined ? {} : { models: modelStatuses(record, limits) }),
    coolDowns: coolDownStatuses(record),
    ...assumedStatus(record),
  }
}

function coolDownStatuses({ coolDowns, clockMs }: CapacityRecord): CoolDownStatus[] {
  return [...coolDowns].flatMap(([key, each]) =>
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

function modelStatuses({ models, clockMs }: CapacityRecord, limits: EnforcedLimits): ModelWindowStatus[] {
  return [...models].flatMap(([model, { windows, observedBudgets }]) =>
    windowStatesIn(windows, clockMs, discoveredFor(limits, model, clockMs)).map((state) => {
      const lowered = observedBudgets.get(observedBudgetKey(state))?.lowered ?? NOT_LOWERED
      const remaining = Math.min(state.remaining, Math.max(0, lowered.remaining))
      const resetMs = Math.max(state.resetMs, lowered.endsAtMs - clockMs)
      return { model, ...state, used: used(windows[state.period], state.metric), remaining, resetMs }
    }),
  )
}

function windowStatesIn(windows: Windows, nowMs: number, limits: Limits): WindowState[] {
  return limits.map(({ period, metric, limit }) => {
    const window = windows[period]
    const remaining = Math.max(0, limit - used(window, metric))
    return { period, metric, limit, remaining, resetMs: emptyInMs(window, nowMs) }
  })
}

/** Returns in how many milliseconds nothing counts in the window, if nothing more is charged. */
function emptyInMs(window: Window, nowMs: number): number {
  return isEmpty(window) ? 0 : Math.ceil(slotEndsCountingAtMs(window.period, window.newest.index) - nowMs)
}

const NOT_LOWERED = { remaining: Number.POSITIVE_INFINITY, endsAtMs: 0 }
