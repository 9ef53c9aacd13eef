import { percentile } from './percentile.ts'

export interface LoopResult {
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
}

/** `callers` callers that each begin anew as soon as they are done, for `durationMs`. */
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
