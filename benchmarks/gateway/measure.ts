import { closedLoop, median } from '../shared/closed-loop.ts'
import { cpuTimeMs } from '../shared/processes.ts'
import { type ChatCaller, type ChatKind, chatCaller } from './chat.ts'
import type { Contender } from './contenders.ts'

export interface Measurement {
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** CPU time of the contender's process, all threads, per request. */
  readonly cpuMicros: number
}

export interface MeasureOptions {
  readonly callers: number
  readonly rounds: number
  readonly roundMs: number
  readonly warmUpMs: number
}

/**
 * Runs rounds of all contenders in turn, so that disturbances of the machine affect them all; returns the medians of
 * each, in their order.
 */
export async function measure(
  contenders: readonly Contender[],
  kind: ChatKind,
  { callers, rounds, roundMs, warmUpMs }: MeasureOptions,
): Promise<Measurement[]> {
  const sessions = contenders.map((contender) => ({
    contender,
    caller: chatCaller(contender, kind, callers),
    results: [] as Measurement[],
  }))
  try {
    for (const { contender, caller } of sessions) await runRound(contender, caller, callers, warmUpMs)
    for (let round = 0; round < rounds; round++) {
      for (const { contender, caller, results } of sessions) {
        results.push(await runRound(contender, caller, callers, roundMs))
      }
    }
  } finally {
    for (const { caller } of sessions) await caller.stop()
  }
  return sessions.map(({ results }) => ({
    perSecond: median(results.map(({ perSecond }) => perSecond)),
    p50Ms: median(results.map(({ p50Ms }) => p50Ms)),
    p99Ms: median(results.map(({ p99Ms }) => p99Ms)),
    cpuMicros: median(results.map(({ cpuMicros }) => cpuMicros)),
  }))
}

async function runRound(
  { pid }: Contender,
  { call }: ChatCaller,
  callers: number,
  durationMs: number,
): Promise<Measurement> {
  let calls = 0
  const cpuBeforeMs = cpuTimeMs(pid)
  const { perSecond, p50Ms, p99Ms } = await closedLoop(callers, durationMs, async () => {
    await call()
    calls += 1
  })
  return { perSecond, p50Ms, p99Ms, cpuMicros: ((cpuTimeMs(pid) - cpuBeforeMs) * 1_000) / calls }
}
