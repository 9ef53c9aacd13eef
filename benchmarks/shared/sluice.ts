import type { ChildProcess } from 'node:child_process'
import type { CapacityLimit } from '@sluice/contracts'
import { gatewayKnows, until } from '@sluice/local'
import { freePort } from '@sluice/local-servers'
import { type Bus, connectBus } from '@sluice/messaging'
import { createStarted, startServiceProcess, stopProcess } from './processes.ts'
import { putProjections, serveCredentials } from './projections.ts'

export interface SluiceOptions {
  readonly natsUrl: string
  /** The provider's base URL, of an OpenAI connection. */
  readonly upstreamBaseUrl: string
  readonly upstreamKey: string
  readonly capacity: readonly CapacityLimit[]
  readonly gatewaySettings?: Readonly<Record<string, string>>
  readonly gatewayNodeOptions?: readonly string[]
}

/** A gateway and a capacity instance, each its own process, with one connection. */
export interface Sluice {
  readonly bus: Bus
  readonly connectionId: string
  readonly gateway: ChildProcess
  readonly gatewayUrl: string
  readonly chatUrl: string
  readonly apiKey: string
  stop(): Promise<void>
}

/**
 * Starts the processes on the path of a request. The benchmark publishes the projections and seals the credential in
 * place of the connections service, which is not needed per request.
 */
export async function startSluice(options: SluiceOptions): Promise<Sluice> {
  const started = createStarted()
  try {
    const bus = await connectBus({ servers: options.natsUrl, name: 'benchmark' })
    await started.add(Promise.resolve({ stop: () => bus.close() }))
    const connections = [{ ...options, name: CONNECTION, capacity: [...options.capacity] }]
    const apiKey = await putProjections(bus, connections)
    await started.add(serveCredentials(bus, connections))
    await started.add(stoppable(startServiceProcess('capacity', { NATS_URL: options.natsUrl })))
    const port = await freePort()
    const settings = {
      NATS_URL: options.natsUrl,
      GATEWAY_PORT: String(port),
      ALLOW_INSECURE_UPSTREAM: 'true',
      ...options.gatewaySettings,
    }
    const { child } = await started.add(stoppable(startServiceProcess('gateway', settings, options.gatewayNodeOptions)))
    const gatewayUrl = `http://127.0.0.1:${port}`
    await until('the connection', () => gatewayKnows(gatewayUrl, CONNECTION, apiKey), Boolean)
    return {
      bus,
      connectionId: CONNECTION,
      gateway: child,
      gatewayUrl,
      chatUrl: `${gatewayUrl}/connections/${CONNECTION}/v1/chat/completions`,
      apiKey,
      stop: started.stop,
    }
  } catch (error) {
    await started.stop()
    throw error
  }
}

/** The connection's name and id. */
const CONNECTION = 'benchmark'

async function stoppable(starting: Promise<ChildProcess>): Promise<{ child: ChildProcess; stop(): Promise<void> }> {
  const child = await starting
  return { child, stop: () => stopProcess(child) }
}
