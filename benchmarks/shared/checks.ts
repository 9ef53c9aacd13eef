/**
 * Conditions that must hold after a run: memory that does not grow, counts that are zero; and the table of a report
 * that lists it.
 */
import { growthBytes, type MemorySample } from './memory.ts'

/** A condition that must hold after a run. */
export interface Check {
  readonly what: string
  readonly found: string
  readonly holds: boolean
}

/** Checks that a count is 0. */
export function zeroCheck(what: string, count: number): Check {
  return { what: `${what}: 0`, found: String(count), holds: count === 0 }
}

/** Checks that the gateway's process did not end. */
export function processCheck(found: string, holds: boolean): Check {
  return { what: 'the gateway process is still the same', found, holds }
}

/**
 * The additional memory that the gateway may hold at the end of the second half than at its beginning, by a line fitted
 * to the samples.
 */
const MAX_HELD_GROWTH_BYTES = 4 * 1024 ** 2
/** The allocator keeps some freed memory and returns it at its own pace. */
const MAX_RSS_GROWTH_BYTES = 32 * 1024 ** 2

export function memoryChecks(samples: readonly MemorySample[]): Check[] {
  const check = (what: string, bytesOf: (sample: MemorySample) => number, maxGrowth: number): Check => {
    const growth = growthBytes(samples, bytesOf)
    const levels = [samples.at(Math.floor(samples.length / 2)), samples.at(-1)].map((sample) =>
      mebibytes(sample === undefined ? Number.NaN : bytesOf(sample)),
    )
    return {
      what: `${what}, growth over the second half ≤ ${mebibytes(maxGrowth)} MiB`,
      found: `${mebibytes(growth)} MiB (${levels.join(' → ')})`,
      holds: growth <= maxGrowth,
    }
  }
  return [
    check('memory held after a collection', ({ heldBytes }) => heldBytes, MAX_HELD_GROWTH_BYTES),
    check('resident memory', ({ rssBytes }) => rssBytes, MAX_RSS_GROWTH_BYTES),
  ]
}

/** Returns the lines of a report's table of checks. */
export function checkTable(checks: readonly Check[]): string[] {
  return [
    '| after the run | found | |',
    '|---|---|---|',
    ...checks.map(({ what, found, holds }) => `| ${what} | ${found} | ${holds ? 'holds' : 'MISSED'} |`),
  ]
}

function mebibytes(bytes: number): string {
  return (bytes / 1024 ** 2).toFixed(1)
}
