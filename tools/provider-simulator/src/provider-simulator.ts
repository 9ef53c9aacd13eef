import type { AddressInfo } from 'node:net'
import fastify from 'fastify'
import { type Account, Accounts } from './core/accounts.ts'
import { type Clock, systemClock } from './core/clock.ts'
import { Controls } from './core/controls.ts'
import { RequestLog } from './core/request-log.ts'
import { createProvider, type ProviderId } from './providers.ts'
import { controlRoutes } from './server/control-routes.ts'
import type { Simulation } from './server/handle-request.ts'
import { providerRoutes } from './server/provider-routes.ts'

export interface ProviderSimulatorOptions {
  /** Default: `openai`. */
  readonly provider?: ProviderId
  /** Default: 127.0.0.1. The controls need no key: keep it on loopback. */
  readonly host?: string
  /** Default: 0, any free port. */
  readonly port?: number
  /** Accounts that exist from the start. Default: none. */
  readonly accounts?: readonly Account[]
  /** The time for limits and arrivals, not for delays. Default: the system's. */
  readonly clock?: Clock
  /** The number of requests that are recorded; counts are unlimited. Default: 100,000. */
  readonly maxRecords?: number
  /** Record each request's headers and body, too. Default: false. */
  readonly recordContent?: boolean
  /** Largest request body. Default: 32 MiB. */
  readonly maxBodyBytes?: number
}

export interface ProviderSimulator {
  /**
   * Takes the place of `https://api.openai.com`, or is the base URL or endpoint for the SDK of another provider. No
   * final slash.
   */
  readonly url: string
  /** The `baseURL` for OpenAI's SDK: `url` and `/v1`. */
  readonly openaiBaseUrl: string
  readonly accounts: Accounts
  readonly controls: Controls
  readonly requests: RequestLog
  /** Ends every connection, hanging ones too, and releases the port. */
  stop(): Promise<void>
}

/** Resolves once the simulator listens. @throws the system's error if it cannot, such as `EADDRINUSE` */
export async function startProviderSimulator(options: ProviderSimulatorOptions = {}): Promise<ProviderSimulator> {
  const clock = options.clock ?? systemClock
  const accounts = new Accounts(options.accounts ?? [], clock)
  const controls = new Controls()
  const requests = new RequestLog(options.maxRecords ?? 100_000)
  const simulation: Simulation = {
    provider: createProvider(options.provider ?? 'openai'),
    accounts,
    controls,
    requests,
    clock,
    recordContent: options.recordContent ?? false,
  }
  const server = fastify({
    bodyLimit: options.maxBodyBytes ?? 32 * 1024 * 1024,
    forceCloseConnections: true,
    // For the ARN of an inference profile.
    routerOptions: { maxParamLength: 2048 },
  })
  server.register(controlRoutes, { ...simulation, prefix: '/_simulator' })
  server.register(providerRoutes, simulation)

  const host = options.host ?? '127.0.0.1'
  await server.listen({ host, port: options.port ?? 0 })
  const url = urlOf(server.server.address())
  return { url, openaiBaseUrl: `${url}/v1`, accounts, controls, requests, stop: () => server.close() }
}

function urlOf(address: AddressInfo | string | null): string {
  if (address === null || typeof address === 'string') throw new TypeError('not listening on a TCP port')
  return `http://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`
}
