import { metrics } from '@opentelemetry/api'
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { MeterProvider } from '@opentelemetry/sdk-metrics'

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

/** A count of what has happened since the process began. */
export interface Counter {
  add(count: number, attributes?: Readonly<Record<string, string>>): void
}

/** @param name parts joined by dots, as `response_events.dropped`; it is served with `sluice_` before it */
export function counter(name: string, description: string): Counter {
  return metrics.getMeter('sluice').createCounter(`sluice.${name}`, { description })
}
