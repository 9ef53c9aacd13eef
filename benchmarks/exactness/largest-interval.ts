/**
 * The largest number of `arrivalsMs` (ascending) in any interval of `lengthMs`, its end not included: what a limit promises about.
 */
export function largestInterval(arrivalsMs: readonly number[], lengthMs: number): number {
  let largest = 0
  let first = 0
  for (const [last, endMs] of arrivalsMs.entries()) {
    while ((arrivalsMs[first] ?? endMs) <= endMs - lengthMs) first++
    largest = Math.max(largest, last - first + 1)
  }
  return largest
}
