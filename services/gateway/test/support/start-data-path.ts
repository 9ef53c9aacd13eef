import { CapacityConfig, start as startCapacity } from '@sluice/capacity'
import {
  type ProviderSimulator,
  type ProviderSimulatorOptions,
  startProviderSimulator,
} from '@sluice/provider-simulator'
import { createLogger, readConfig } from '@sluice/service-kit'
import { testNats } from '@sluice/testkit'
import { startGateway, type TestGateway } from './start-gateway.ts'

/** Everything that a request passes: a gateway, a capacity instance, and a simulated account `sk-upstream` without limits. */
export interface TestDataPath {
  readonly gateway: TestGateway
  readonly natsUrl: string
  readonly simulator: ProviderSimulator
  /** May use every connection. */
  readonly apiKey: string
  stop(): Promise<void>
}

export interface DataPathOptions {
  /** Default: an OpenAI account. */
  readonly simulator?: ProviderSimulatorOptions
  /** The gateway's settings. */
  readonly env?: Readonly<Record<string, string>>
}

export async function startDataPath(options: DataPathOptions = {}): Promise<TestDataPath> {
  const nats = await testNats()
  const config = readConfig(CapacityConfig, { NATS_URL: nats.url })
  const capacity = await startCapacity(config, createLogger('capacity', 'silent'))
  const simulator = await startProviderSimulator({ accounts: [{ apiKey: 'sk-upstream' }], ...options.simulator })
  const gateway = await startGateway({ natsUrl: nats.url, ...(options.env && { env: options.env }) })
  return {
    gateway,
    natsUrl: nats.url,
    simulator,
    apiKey: await gateway.apiKey(),
    stop: async () => {
      await gateway.stop()
      await simulator.stop()
      await capacity.stop()
      await nats.stop()
    },
  }
}
