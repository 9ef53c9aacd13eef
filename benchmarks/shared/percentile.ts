/** The value that `fraction` (0 to 1) of all values do not exceed; NaN for none. Sorts `values` in place. */
export function percentile(values: Float64Array, fraction: number): number {
  values.sort()
  return values[Math.min(values.length - 1, Math.floor(values.length * fraction))] ?? Number.NaN
}

export function median(values: readonly number[]): number {
  return percentile(Float64Array.from(values), 0.5)
}
