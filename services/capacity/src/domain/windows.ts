import type { Cost, Period } from '@sluice/contracts'
import { charge, emptyWindow, isEmpty, refund, slide, type Window } from './window.ts'

/** One window for every period: what is charged is charged to each. */
export type Windows = Readonly<Record<Period, Window>>

export function emptyWindows(): Windows {
  return { minute: emptyWindow('minute'), hour: emptyWindow('hour'), day: emptyWindow('day') }
}

/** Each window as {@link slide} leaves it; the same object where nothing slid out of any. */
export function slideAll(windows: Windows, nowMs: number): Windows {
  const minute = slide(windows.minute, nowMs)
  const hour = slide(windows.hour, nowMs)
  const day = slide(windows.day, nowMs)
  return minute === windows.minute && hour === windows.hour && day === windows.day ? windows : { minute, hour, day }
}

/** The windows with `cost` charged to each at `atMs`. */
export function chargeAll({ minute, hour, day }: Windows, cost: Cost, atMs: number): Windows {
  return { minute: charge(minute, cost, atMs), hour: charge(hour, cost, atMs), day: charge(day, cost, atMs) }
}

/** The windows with `cost` taken back from each that still holds what was charged at `chargedAtMs`. */
export function refundAll({ minute, hour, day }: Windows, cost: Cost, chargedAtMs: number): Windows {
  return {
    minute: refund(minute, cost, chargedAtMs),
    hour: refund(hour, cost, chargedAtMs),
    day: refund(day, cost, chargedAtMs),
  }
}

/** Whether nothing counts in any of them. */
export function areEmpty({ minute, hour, day }: Windows): boolean {
  return [minute, hour, day].every(isEmpty)
}
