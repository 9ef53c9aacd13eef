import { type FieldError, SluiceError } from '@sluice/contracts'

export interface UsageRangeText {
  /** RFC 3339. Absent: an hour before `to`. */
  readonly from?: string
  /** RFC 3339, exclusive. Absent: now. */
  readonly to?: string
  /**
   * A whole number and `m`, `h` or `d`. Absent: the shortest of `1m`, `1h` and `1d` that cuts the range into at most
   * 1,500 steps.
   */
  readonly step?: string
}

export interface UsageRange {
  readonly fromMs: number
  readonly toMs: number
  readonly stepMs: number
}

/** Parses the range of a usage query. @throws SluiceError `invalid_request`, one entry per field */
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
  const { count, unit } = /^(?<count>[1-9]\d{0,5})(?<unit>[mhd])$/.exec(text)?.groups ?? {}
  const unitMs = unit === 'm' ? MINUTE_MS : unit === 'h' ? HOUR_MS : unit === 'd' ? DAY_MS : Number.NaN
  const stepMs = Number(count) * unitMs
  if (Number.isNaN(stepMs)) {
    errors.push({ field: 'step', message: 'must be a whole number of minutes, hours or days: 5m, 1h, 1d' })
  }
  return stepMs
}

/** Minutes for up to a day, hours for up to two months, and days beyond. */
function defaultStepMs(rangeMs: number): number {
  return [MINUTE_MS, HOUR_MS].find((stepMs) => rangeMs / stepMs <= MAX_DEFAULT_STEPS) ?? DAY_MS
}

const RFC_3339 = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS
const MAX_STEPS = 10_000
const MAX_DEFAULT_STEPS = 1_500
