/**
 * Milliseconds of a duration as Go prints it: `120ms`, `1s`, `8.64s`, `6m0s`, `1h2m3.5s`. Undefined where it is none.
 * @see https://pkg.go.dev/time#Duration.String
 */
export function parseGoDuration(text: string): number | undefined {
  if (!DURATION.test(text)) return undefined
  let totalMs = 0
  for (const [, amount, unit] of text.matchAll(PART)) totalMs += Number(amount) * (UNIT_MS[unit ?? ''] ?? Number.NaN)
  return Number.isFinite(totalMs) ? totalMs : undefined
}

const UNIT_MS: Readonly<Record<string, number>> = {
  h: 3_600_000,
  m: 60_000,
  s: 1_000,
  ms: 1,
  us: 1e-3,
  µs: 1e-3,
  ns: 1e-6,
}
const PART = /(\d+(?:\.\d+)?)(ms|us|µs|ns|h|m|s)/g
const DURATION = /^(?:\d+(?:\.\d+)?(?:ms|us|µs|ns|h|m|s))+$/
