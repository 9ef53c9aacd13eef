import { randomUUID } from 'node:crypto'
import { responses } from '@sluice/contracts'
import { connectBus, ensureStream } from '@sluice/messaging'
import { busOptions, type Logger } from '@sluice/service-kit'
import { watchApiKeys } from './adapters/api-key-projection.ts'
import { createPermits } from './adapters/capacity/create-permits.ts'
import { watchConnections } from './adapters/connection-projection.ts'
import { createKeyPair } from './adapters/key-pair.ts'
import { eventPublisher } from './adapters/response-event-publisher.ts'
import { sealedCredentials } from './adapters/sealed-credentials.ts'
import { systemClock } from './adapters/system-clock.ts'
import { createUpstream } from './adapters/undici-upstream.ts'
import type { GatewayConfig } from './config.ts'
import type { DataPlane } from './ports/data-plane.ts'

export interface RunningDataPlane extends DataPlane {
  /** This process, as capacity and the response events know it. */
  readonly gateway: string
  /** Hands in what was settled and recorded, and lets go of everything. Call it when no request is under way. */
  stop(): Promise<void>
}

/** Connects to NATS, however long that takes; resolves when connections, keys and capacity instances are known. */
export async function startDataPlane(config: GatewayConfig, logger: Logger): Promise<RunningDataPlane> {
  const gateway = randomUUID()
  const onFault = (err: unknown) => logger.warn({ err }, 'fault')
  const clock = systemClock()
  const bus = await connectBus(busOptions(config, `gateway ${gateway}`))
  await ensureStream(bus, responses)
  const credentials = sealedCredentials(bus, await createKeyPair(), clock.elapsedMs, onFault)
  const [permits, apiKeys, connections] = await Promise.all([
    createPermits(bus, { gateway, maxWaiting: config.MAX_WAITING_REQUESTS, onFault }),
    watchApiKeys(bus, onFault),
    watchConnections(
      bus,
      { allowInsecureLoopback: config.ALLOW_INSECURE_UPSTREAM },
      {
        onConnection: ({ id, credentialVersion }) => {
          if (credentialVersion !== undefined) credentials.prefetch(id, credentialVersion)
        },
        onRemoved: credentials.forget,
        onFault,
      },
    ),
  ])
  const upstream = createUpstream({
    connectTimeoutMs: config.UPSTREAM_CONNECT_TIMEOUT_MS,
    firstByteTimeoutMs: config.UPSTREAM_FIRST_BYTE_TIMEOUT_MS,
    idleTimeoutMs: config.UPSTREAM_IDLE_TIMEOUT_MS,
    allowInsecureLoopback: config.ALLOW_INSECURE_UPSTREAM,
  })
  const events = eventPublisher(bus, {
    gateway,
    maxEvents: config.MAX_BUFFERED_EVENTS,
    onFault,
    onDropped: (count) => logger.error({ events: count }, 'response events were lost'),
  })
  return {
    gateway,
    apiKeys,
    connections,
    permits,
    credentials,
    upstream,
    events,
    clock,
    stop: async () => {
      await upstream.stop()
      await Promise.all([permits.stop(FLUSH_DEADLINE_MS), events.stop(FLUSH_DEADLINE_MS)])
      connections.stop()
      apiKeys.stop()
      await bus.close()
    },
  }
}

const FLUSH_DEADLINE_MS = 3_000
