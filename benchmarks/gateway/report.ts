import type { Measurement } from './measure.ts'

/** The measurements of one kind of request. */
export interface KindResult {
  readonly kind: string
  readonly bare: Measurement
  readonly sluice: Measurement
  /** Undefined if Portkey does not serve this kind or could not be installed; `portkeyFault` says why. */
  readonly portkey: Measurement | undefined
  readonly portkeyFault: string | undefined
}

export const REPORT_HEAD = [
  '| | | requests/s | p50 ms | p99 ms | CPU µs per request | CPU vs. bare | |',
  '|---|---|---|---|---|---|---|---|',
]

/** The CPU time that Sluice's gateway may use, as a multiple of the bare proxy's. */
const MAX_CPU_RATIO = 2
/** The request rate that Sluice must reach, as a multiple of Portkey's. */
const MIN_RATE_RATIO = 4

/**
 * Returns true if the targets are reached for every kind, against Portkey for those that it serves, and it serves at
 * least one.
 */
export function areTargetsReached(results: readonly KindResult[]): boolean {
  return (
    results.every(({ bare, sluice }) => isCpuReached(sluice, bare)) &&
    results.every(({ sluice, portkey }) => portkey === undefined || isRateReached(sluice, portkey)) &&
    results.some(({ portkey }) => portkey !== undefined)
  )
}

/** Returns the table rows for one kind of request. */
export function rowsOf({ kind, bare, sluice, portkey, portkeyFault }: KindResult, portkeyPackage: string): string[] {
  const cpu = `CPU ≤ ${MAX_CPU_RATIO} × bare: ${isCpuReached(sluice, bare) ? 'reached' : 'MISSED'}`
  const rate = portkey === undefined ? 'rate vs. Portkey: NOT MEASURED' : rateVerdict(sluice, bare, portkey)
  return [
    row(kind, 'bare Fastify + undici proxy', bare, bare, ''),
    row(kind, 'Sluice', sluice, bare, `${cpu}; ${rate}`),
    portkey === undefined
      ? `| ${kind} | ${portkeyPackage} | | | | | | ${portkeyFault} |`
      : row(kind, portkeyPackage, portkey, bare, ''),
  ]
}

function isCpuReached(sluice: Measurement, bare: Measurement): boolean {
  return sluice.cpuMicros <= MAX_CPU_RATIO * bare.cpuMicros
}

function rateVerdict(sluice: Measurement, bare: Measurement, portkey: Measurement): string {
  const verdict = isRateReached(sluice, portkey) ? 'reached' : 'MISSED'
  return `rate ≥ ${MIN_RATE_RATIO} × Portkey: ${verdict} (${times(sluice, portkey)}; bare ${times(bare, portkey)})`
}

function isRateReached(sluice: Measurement, portkey: Measurement): boolean {
  return sluice.perSecond >= MIN_RATE_RATIO * portkey.perSecond
}

function times(one: Measurement, other: Measurement): string {
  return `${(one.perSecond / other.perSecond).toFixed(1)} ×`
}

function row(kind: string, name: string, result: Measurement, bare: Measurement, verdict: string): string {
  const cells = [
    kind,
    name,
    Math.round(result.perSecond).toLocaleString('en'),
    result.p50Ms.toFixed(2),
    result.p99Ms.toFixed(2),
    String(Math.round(result.cpuMicros)),
    `${(result.cpuMicros / bare.cpuMicros).toFixed(2)} ×`,
    verdict,
  ]
  return `| ${cells.join(' | ')} |`
}
