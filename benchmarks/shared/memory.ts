import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

/** Node options of a process that `memoryOf` can sample. */
export const PROBE_NODE_OPTIONS = ['--expose-gc', '--import', join(import.meta.dirname, 'memory-probe.ts')]

export interface MemorySample {
  readonly atMs: number
  /** JavaScript objects and the buffers they hold, after a garbage collection. */
  readonly heldBytes: number
  readonly rssBytes: number
}

export async function memoryOf(child: ChildProcess): Promise<MemorySample> {
  const reply = once(child, 'message', { signal: AbortSignal.timeout(REPLY_TIMEOUT_MS) })
  child.send('memory')
  const [usage] = await reply
  return { atMs: performance.now(), ...usage }
}

const REPLY_TIMEOUT_MS = 10_000

/**
 * Returns how much `bytesOf` rises over the second half of the samples: the slope of a fitted line, times their span.
 */
export function growthBytes(samples: readonly MemorySample[], bytesOf: (sample: MemorySample) => number): number {
  const half = samples.slice(Math.floor(samples.length / 2))
  const meanAtMs = mean(half.map(({ atMs }) => atMs))
  const meanBytes = mean(half.map(bytesOf))
  let covariance = 0
  let variance = 0
  for (const sample of half) {
    covariance += (sample.atMs - meanAtMs) * (bytesOf(sample) - meanBytes)
    variance += (sample.atMs - meanAtMs) ** 2
  }
  const spanMs = (half.at(-1)?.atMs ?? 0) - (half[0]?.atMs ?? 0)
  return variance === 0 ? 0 : (covariance / variance) * spanMs
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
