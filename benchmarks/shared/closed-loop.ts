/**
 * Returns the value that `fraction` (0 to 1) of all values do not exceed; NaN for an empty array. Sorts `values` in
 * place.
 */
export function percentile(values: Float64Array, fraction: number): number {
  values.sort()
  return values[Math.min(values.length - 1, Math.floor(values.length * fraction))] ?? Number.NaN
}

export function median(values: readonly number[]): number {
  return percentile(Float64Array.from(values), 0.5)
}

export interface LoopResult {
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
}

/** Runs `callers` concurrent callers, each of which calls again as soon as its call has ended, for `durationMs`. */
export async function closedLoop(callers: number, durationMs: number, call: () => Promise<void>): Promise<LoopResult> {
  const latenciesMs: number[] = []
  const startedAtMs = performance.now()
  const endsAtMs = startedAtMs + durationMs
  const caller = async (): Promise<void> => {
    for (let beganAtMs = performance.now(); beganAtMs < endsAtMs; ) {
      await call()
      const nowMs = performance.now()
      latenciesMs.push(nowMs - beganAtMs)
      beganAtMs = nowMs
    }
  }
  await Promise.all(Array.from({ length: callers }, caller))
  const tookMs = performance.now() - startedAtMs
  const sorted = Float64Array.from(latenciesMs)
  return {
    perSecond: (latenciesMs.length / tookMs) * 1_000,
    p50Ms: percentile(sorted, 0.5),
    p99Ms: percentile(sorted, 0.99),
  }
}
