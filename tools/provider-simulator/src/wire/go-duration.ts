/**
 * A duration as Go's `time.Duration.String` writes it, which OpenAI uses in headers and messages: `0s`, `120ms`,
 * `8.64s`, `6m0s`, `24h0m0s` (https://pkg.go.dev/time#Duration.String). Whole milliseconds, what is below cut off.
 */
export function goDuration(durationMs: number): string {
  const totalMs = Math.floor(durationMs)
  if (totalMs === 0) return '0s'
  if (totalMs < 1000) return `${totalMs}ms`
  const hours = Math.floor(totalMs / 3_600_000)
  const minutes = Math.floor(totalMs / 60_000) % 60
  const seconds = `${(totalMs % 60_000) / 1000}s`
  if (hours > 0) return `${hours}h${minutes}m${seconds}`
  return minutes > 0 ? `${minutes}m${seconds}` : seconds
}
