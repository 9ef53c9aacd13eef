import type { AddressInfo } from 'node:net'
import fastify from 'fastify'
import { type Account, Accounts } from './core/accounts.ts'
import { type Clock, systemClock } from './core/clock.ts'
import { Controls } from './core/controls.ts'
import { RequestLog } from './core/request-log.ts'
import { type ProviderId, providers } from './providers/providers.ts'
import type { Simulation } from './server/exchange.ts'
import { providerRoutes } from './server/provider-routes.ts'
import { simulatorRoutes } from './server/simulator-routes.ts'

export interface ProviderSimulatorOptions {
  /** Default: `openai`. */
  readonly provider?: ProviderId
  /** Default: 127.0.0.1. Its controls need no key, so nothing but loopback is sensible. */
  readonly host?: string
  /** Default: 0, any free port. */
  readonly port?: number
  /** Keys that are valid from the start. Default: none. */
  readonly accounts?: readonly Account[]
  /** Default: the system's. Limits and arrival times go by it, delays do not. */
  readonly clock?: Clock
  /** How many requests are remembered; counts go on beyond. Default: 100,000. */
  readonly maxRecords?: number
  /** Remember each request's headers and body too. Default: false. */
  readonly recordContent?: boolean
  /** Largest request body. Default: 32 MiB. */
  readonly maxBodyBytes?: number
}

export interface ProviderSimulator {
  /**
   * Without a slash at the end: what stands for `https://api.openai.com`, and what the SDKs of the others take as base
   * URL or endpoint. With `aws-bedrock`, both Bedrock's and that of STS.
   */
  readonly url: string
  /** What OpenAI's SDK takes as its `baseURL`: `url` and `/v1`. */
  readonly openaiBaseUrl: string
  readonly accounts: Accounts
  readonly controls: Controls
  readonly requests: RequestLog
  /** Ends every connection, hanging ones too, and frees the port. */
  stop(): Promise<void>
}

/** Resolves once it listens. Rejects with the system's error if it cannot, such as `EADDRINUSE`. */
export async function startProviderSimulator(options: ProviderSimulatorOptions = {}): Promise<ProviderSimulator> {
  const clock = options.clock ?? systemClock
  const accounts = new Accounts(options.accounts ?? [], clock)
  const controls = new Controls()
  const requests = new RequestLog(options.maxRecords ?? 100_000)
  const simulation: Simulation = {
    provider: providers[options.provider ?? 'openai'](),
    accounts,
    controls,
    requests,
    clock,
    recordContent: options.recordContent ?? false,
  }
  const server = fastify({
    bodyLimit: options.maxBodyBytes ?? 32 * 1024 * 1024,
    forceCloseConnections: true,
    // The ARN of an inference profile may be that long.
    routerOptions: { maxParamLength: 2048 },
  })
  server.register(simulatorRoutes, { ...simulation, prefix: '/_simulator' })
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
