import { metrics } from '@opentelemetry/api'
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { MeterProvider } from '@opentelemetry/sdk-metrics'

/**
 * Serves what this process counts through OpenTelemetry's API from now on, in Prometheus' format. Resolves with what stops it.
 * @throws (rejects) when the port cannot be had
 */
export async function startPrometheus(service: string, host: string, port: number): Promise<() => Promise<void>> {
  const exporter = new PrometheusExporter({ host, port, preventServerStart: true })
  const resource = resourceFromAttributes({ 'service.name': `sluice-${service}` })
  const provider = new MeterProvider({ resource, readers: [exporter] })
  await exporter.startServer()
  metrics.setGlobalMeterProvider(provider)
  return async () => {
    metrics.disable()
    await provider.shutdown()
  }
}
