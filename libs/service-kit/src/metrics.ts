import { metrics } from '@opentelemetry/api'

export interface MetricsSettings {
  readonly METRICS_HOST: string
  /** Absent: nothing is served. */
  readonly METRICS_PORT?: number
}

/** The address at which metrics are served. */
export interface MetricsServer {
  readonly url: string
  stop(): Promise<void>
}

/**
 * Serves what this process counts from now on through OpenTelemetry's API, in Prometheus' format at `/metrics`. Call it
 * before any counter is created. Returns undefined where no port is set: nothing is served, and counting costs nothing.
 * @throws (rejects) when the port cannot be opened
 */
export async function serveMetrics(
  service: string,
  { METRICS_HOST: host, METRICS_PORT: port }: MetricsSettings,
): Promise<MetricsServer | undefined> {
  if (port === undefined) return undefined
  // Loaded only here, so that a service without metrics restarts sooner.
  const [{ PrometheusExporter }, { resourceFromAttributes }, { MeterProvider }] = await Promise.all([
    import('@opentelemetry/exporter-prometheus'),
    import('@opentelemetry/resources'),
    import('@opentelemetry/sdk-metrics'),
  ])
  const exporter = new PrometheusExporter({ host, port, preventServerStart: true })
  const resource = resourceFromAttributes({ 'service.name': `sluice-${service}` })
  const provider = new MeterProvider({ resource, readers: [exporter] })
  await exporter.startServer()
  metrics.setGlobalMeterProvider(provider)
  return {
    url: `http://${host}:${port}/metrics`,
    stop: async () => {
      metrics.disable()
      await provider.shutdown()
    },
  }
}

/** Counts what has happened since the process began. */
export interface Counter {
  add(count: number, attributes?: Readonly<Record<string, string>>): void
}

/**
 * Creates a counter.
 * @param name parts joined by dots, such as `response_events.dropped`; it is served with the prefix `sluice_`
 */
export function counter(name: string, description: string): Counter {
  return metrics.getMeter('sluice').createCounter(`sluice.${name}`, { description })
}
