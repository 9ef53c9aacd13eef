/** A seeded random number generator. */
export interface Random {
  /** Returns a number from 0 to below 1. */
  next(): number
  /** Returns an integer from 0 to below `end`. */
  int(end: number): number
  pick<T>(list: readonly [T, ...T[]]): T
  isTrue(chance: number): boolean
  bytes(length: number): Buffer
}

/**
 * Mulberry32, with a state of 32 bits: good enough for test cases, not for secrets.
 * @param seed a 32-bit integer
 */
export function createRandom(seed: number): Random {
  let state = seed | 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const int = (end: number): number => Math.floor(next() * end)
  return {
    next,
    int,
    pick: (list) => list[int(list.length)] ?? list[0],
    isTrue: (chance) => next() < chance,
    bytes: (length) => Buffer.from(Array.from({ length }, () => int(256))),
  }
}
