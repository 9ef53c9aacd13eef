import type { CapacityStatus, DiscoveredLimit, UsagePoint } from '@sluice/contracts'
import type { RequestOutcome } from './requests.ts'

/** The demo's tables. */

export function requestsReport(outcomes: readonly RequestOutcome[]): string {
  return table(
    ['#', 'request', 'outcome', 'retry after', 'took', ''],
    outcomes.map(({ kind, outcome, retryAfterMs, durationMs, detail }, index) => [
      String(index + 1),
      kind,
      outcome,
      retryAfterMs === undefined ? '' : seconds(retryAfterMs),
      `${durationMs.toFixed(0)} ms`,
      detail,
    ]),
  )
}

export function capacityReport({ windows }: CapacityStatus): string {
  return table(
    ['limit', 'used', 'remaining', 'empty in'],
    windows.map(({ period, metric, limit, used, remaining, resetMs }) => [
      `${limit} ${metric} a ${period}`,
      String(used),
      String(remaining),
      seconds(resetMs),
    ]),
  )
}

export function discoveredReport(limits: readonly DiscoveredLimit[]): string {
  return table(
    ['model', 'limit', 'window', 'remaining'],
    limits.map(({ model, dimension, limit, periodMs, remaining }) => [
      model,
      `${limit} ${dimension}`,
      periodMs === undefined ? 'not known yet' : seconds(periodMs),
      remaining === undefined ? '' : String(remaining),
    ]),
  )
}

export function usageReport(points: readonly UsagePoint[]): string {
  return table(
    ['minute', 'requests', 'input tokens', 'output tokens', 'outcomes'],
    points.map(({ fromMs, requests, inputTokens, outputTokens, outcomes }) => [
      new Date(fromMs).toISOString().slice(11, 16),
      String(requests),
      String(inputTokens),
      String(outputTokens),
      Object.entries(outcomes)
        .map(([outcome, count]) => `${count} ${outcome}`)
        .join(', '),
    ]),
  )
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`
}

/** Returns rows below their headings, each column as wide as its widest cell. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => row[column]?.length ?? 0)),
  )
  const line = (cells: readonly string[]) =>
    `  ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('   ')}`.trimEnd()
  return [line(headings), line(widths.map((width) => '─'.repeat(width))), ...rows.map(line)].join('\n')
}
