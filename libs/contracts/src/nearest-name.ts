/**
 * Returns the name among `known` that `given` was probably meant to be: the same but for case, hyphens and
 * underscores, or else one that few slips of the finger are away, a swap of neighbors being one. Undefined where none
 * is near. Takes a bounded time: names of more than {@link MAX_CHARS} characters are near none, and no more than
 * {@link MAX_NAMES} are looked at.
 */
export function nearestName(given: string, known: Iterable<string>): string | undefined {
  if (given.length === 0 || given.length > MAX_CHARS) return undefined
  const folded = fold(given)
  const most = Math.min(MAX_SLIPS, Math.floor(folded.length / 3))
  let nearest: string | undefined
  let least = most + 1
  let looked = 0
  for (const name of known) {
    if (++looked > MAX_NAMES) break
    const other = fold(name)
    if (other.length > MAX_CHARS || Math.abs(other.length - folded.length) >= least) continue
    const slips = slipsBetween(folded, other, least)
    if (slips >= least) continue
    nearest = name
    least = slips
    if (slips === 0) break
  }
  return nearest
}

/** Returns a sentence with the nearest name to put behind a message, or nothing. */
export function didYouMean(given: string, known: Iterable<string>): string {
  const name = nearestName(given, known)
  return name === undefined ? '' : `; did you mean "${name}"?`
}

const MAX_CHARS = 64
const MAX_NAMES = 2_000
const MAX_SLIPS = 3

function fold(name: string): string {
  return name.toLowerCase().replace(/[-_]/g, '')
}

/**
 * Returns the optimal string alignment distance, or `least` where it is not below that: only places as near to the
 * diagonal are looked at.
 * @see https://en.wikipedia.org/wiki/Damerau-Levenshtein_distance
 */
function slipsBetween(a: string, b: string, least: number): number {
  const width = b.length + 2
  let beforeLast = new Uint8Array(width).fill(least)
  let last = new Uint8Array(width).fill(least)
  let row = new Uint8Array(width)
  for (let j = 0; j <= b.length && j < least; j++) last[j] = j
  for (let i = 1; i <= a.length; i++) {
    const from = Math.max(1, i - least)
    const to = Math.min(b.length, i + least)
    row.fill(least)
    if (i < least) row[0] = i
    let lowest = row[0] ?? least
    for (let j = from; j <= to; j++) {
      const isSame = a[i - 1] === b[j - 1]
      let slips = Math.min(at(last, j) + 1, at(row, j - 1) + 1, at(last, j - 1) + (isSame ? 0 : 1), least)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        slips = Math.min(slips, at(beforeLast, j - 2) + 1)
      }
      row[j] = slips
      lowest = Math.min(lowest, slips)
    }
    // A swap of neighbors goes on from the row before the last.
    if (lowest >= least && last.every((slips) => slips >= least)) return least
    const spare = beforeLast
    beforeLast = last
    last = row
    row = spare
  }
  return Math.min(least, at(last, b.length))
}

function at(row: Uint8Array, column: number): number {
  const value = row[column]
  if (value === undefined) throw new RangeError('a distance is read before it is known')
  return value
}
