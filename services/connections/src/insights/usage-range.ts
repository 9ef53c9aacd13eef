import { type FieldError, SluiceError } from '@sluice/contracts'

export interface UsageRangeText {
  /** RFC 3339. Absent: an hour before `to`. */
  readonly from?: string
  /** RFC 3339, not included. Absent: now. */
  readonly to?: string
  /** A whole number and `m`, `h` or `d`. Absent: the shortest of `1m`, `1h` and `1d` that cuts the range into at most 1,500 steps. */
  readonly step?: string
}

export interface UsageRange {
  readonly fromMs: number
  readonly toMs: number
  readonly stepMs: number
}

/** @throws SluiceError `invalid_request`, one entry a field */
export function usageRange(text: UsageRangeText, nowMs: number): UsageRange {
  const errors: FieldError[] = []
  const givenFromMs = text.from === undefined ? undefined : instant('from', text.from, errors)
  const toMs = text.to === undefined ? nowMs : instant('to', text.to, errors)
  const fromMs = givenFromMs ?? toMs - HOUR_MS
  const stepMs = text.step === undefined ? defaultStepMs(toMs - fromMs) : span(text.step, errors)
  if (errors.length === 0 && fromMs >= toMs) errors.push({ field: 'from', message: 'must be before "to"' })
  if (errors.length === 0 && (toMs - fromMs) / stepMs > MAX_STEPS) {
    errors.push({ field: 'step', message: `must be longer: a range has at most ${MAX_STEPS} steps` })
  }
  if (errors.length > 0) throw new SluiceError('invalid_request', 'The range is not valid.', { fields: errors })
  return { fromMs, toMs, stepMs }
}

function instant(field: string, text: string, errors: FieldError[]): number {
  const ms = RFC_3339.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(ms) || ms < 0) errors.push({ field, message: 'must be an instant like 2026-01-31T12:00:00Z' })
  return ms
}

function span(text: string, errors: FieldError[]): number {
  const [, count = '', unit = ''] = /^([1-9]\d{0,5})([mhd])$/.exec(text) ?? []
  const stepMs = Number(count) * (UNIT_MS[unit] ?? Number.NaN)
  if (count === '')
    errors.push({ field: 'step', message: 'must be a whole number of minutes, hours or days: 5m, 1h, 1d' })
  return stepMs
}

/** A day by the minute, two months by the hour, and by the day beyond. */
function defaultStepMs(rangeMs: number): number {
  const { m = 0, h = 0, d = 0 } = UNIT_MS
  return [m, h].find((stepMs) => rangeMs / stepMs <= MAX_DEFAULT_STEPS) ?? d
}

const RFC_3339 = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/
const HOUR_MS = 3_600_000
const UNIT_MS: Readonly<Record<string, number>> = { m: 60_000, h: HOUR_MS, d: 24 * HOUR_MS }
const MAX_STEPS = 10_000
const MAX_DEFAULT_STEPS = 1_500
