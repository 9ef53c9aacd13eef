/**
 * Returns the name among `known` that `given` was probably meant to be: the same but for case, hyphens and underscores, or else one that
 * few slips of the finger are away, a swap of neighbors being one. Undefined where none is near. Takes a bounded time: names of more than
 * {@link MAX_CHARS} characters are near none, and no more than {@link MAX_NAMES} are looked at.
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
    const slips = slipsBetween(folded, other)
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

/** The optimal string alignment distance. @see https://en.wikipedia.org/wiki/Damerau-Levenshtein_distance */
function slipsBetween(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1]
      let least = Math.min(at(last, j) + 1, at(row, j - 1) + 1, at(last, j - 1) + (isSame ? 0 : 1))
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        least = Math.min(least, at(beforeLast, j - 2) + 1)
      }
      row.push(least)
    }
    beforeLast = last
    last = row
  }
  return at(last, b.length)
}

function at(row: readonly number[], column: number): number {
  const value = row[column]
  if (value === undefined) throw new RangeError('a distance is read before it is known')
  return value
}
