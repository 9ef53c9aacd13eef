/** The largest number of `arrivalsMs` (ascending) in any interval of `lengthMs`, its end not included: what a limit promises. */
export function mostInAnyInterval(arrivalsMs: readonly number[], lengthMs: number): number {
  let most = 0
  let first = 0
  for (const [last, endMs] of arrivalsMs.entries()) {
    while ((arrivalsMs[first] ?? endMs) <= endMs - lengthMs) first++
    most = Math.max(most, last - first + 1)
  }
  return most
}

/**
 * The smallest number of `arrivalsMs` (ascending) in any interval of `lengthMs` that begins at or after the first arrival and is over
 * by `untilMs`; undefined where there is no such interval. An interval is emptiest right after an arrival.
 */
export function leastInAnyInterval(
  arrivalsMs: readonly number[],
  lengthMs: number,
  untilMs: number,
): number | undefined {
  let least: number | undefined
  let next = 0
  for (const [index, startMs] of arrivalsMs.entries()) {
    const endMs = startMs + lengthMs
    if (endMs > untilMs) break
    while ((arrivalsMs[next] ?? Number.POSITIVE_INFINITY) <= endMs) next++
    const within = next - index - 1
    if (least === undefined || within < least) least = within
  }
  return least
}
