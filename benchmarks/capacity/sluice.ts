import { CONNECTION_DEFAULTS, connectionProjection, type ProjectedConnection } from '@sluice/contracts'
import { type Bucket, connectBus, openBucket } from '@sluice/messaging'
import { createLogger } from '@sluice/service-kit'
import { startPermits } from '../../services/gateway/src/permits/start-permits.ts'
import { startServiceProcess, stopProcess } from '../shared/processes.ts'
import {
  CONNECTIONS,
  connectionName,
  type PermitSource,
  REQUESTS_PER_MINUTE,
  RESERVED_TOKENS,
  TOKENS_PER_MINUTE,
  USED_TOKENS,
} from './permit-source.ts'

/** A capacity instance in its own process, called by this process as a gateway would. */
export async function sluicePermits(natsUrl: string): Promise<PermitSource> {
  const bus = await connectBus({ servers: natsUrl, name: 'benchmark' })
  await createConnections(await openBucket(bus, connectionProjection))
  const capacity = await startServiceProcess('capacity', { NATS_URL: natsUrl })
  const permits = await startPermits(bus, {
    gateway: 'benchmark',
    maxWaiting: 0,
    logger: createLogger('benchmark', 'warn'),
    onFault: (error) => {
      throw error
    },
  })
  return {
    name: 'Sluice',
    takePermit: async (connectionId) => {
      const outcome = await permits.acquire(
        { connectionId, apiKeyId: 'benchmark', model: 'model', pool: '', tokens: RESERVED_TOKENS },
        NO_WAIT,
      )
      if (outcome.status !== 'granted') throw new Error(`not granted: ${JSON.stringify(outcome)}`)
      outcome.permit.settle({ requests: 1, tokens: USED_TOKENS })
    },
    stop: async () => {
      await permits.stop(1_000)
      await stopProcess(capacity)
      await bus.close()
    },
  }
}

async function createConnections(bucket: Bucket<ProjectedConnection>): Promise<void> {
  for (let index = 0; index < CONNECTIONS; index++) {
    const id = connectionName(index)
    await bucket.put(id, {
      id,
      name: id,
      provider: 'openai',
      config: {},
      ...CONNECTION_DEFAULTS,
      capacity: [{ period: 'minute', requests: REQUESTS_PER_MINUTE, tokens: TOKENS_PER_MINUTE }],
      version: 1,
    })
  }
}

const NO_WAIT = { maxWaitMs: 0, disconnected: () => AbortSignal.abort() }
