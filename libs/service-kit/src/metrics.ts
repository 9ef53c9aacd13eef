import { metrics } from '@opentelemetry/api'

export interface MetricsSettings {
  readonly METRICS_HOST: string
  /** Absent: nothing is served. */
  readonly METRICS_PORT?: number
}

/** Where metrics are served; undefined where they are not. */
export interface MetricsServer {
  readonly url: string
  stop(): Promise<void>
}

/**
 * Serves what this process counts through OpenTelemetry's API, in Prometheus' format at `/metrics`. Call it before anything
 * makes a counter. Where no port is set, counting costs nothing and is for nobody.
 * @throws (rejects) when the port cannot be had
 */
export async function serveMetrics(
  service: string,
  { METRICS_HOST: host, METRICS_PORT: port }: MetricsSettings,
): Promise<MetricsServer | undefined> {
  if (port === undefined) return undefined
  // Loaded by those who use it: a service that was killed is back sooner.
  const { startPrometheus } = await import('./prometheus.ts')
  const stop = await startPrometheus(service, host, port)
  return { url: `http://${host}:${port}/metrics`, stop }
}

/** A count of what has happened since the process began. */
export interface Counter {
  add(count: number, attributes?: Readonly<Record<string, string>>): void
}

/** @param name parts joined by dots, as `response_events.dropped`; it is served with `sluice_` before it */
export function counter(name: string, description: string): Counter {
  return metrics.getMeter('sluice').createCounter(`sluice.${name}`, { description })
}
