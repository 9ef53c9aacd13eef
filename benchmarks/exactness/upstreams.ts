import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { startSimulatorProcess } from '../shared/simulator-process.ts'
import type { ProofUpstream } from './observe.ts'
import type { Departure } from './wire/departures.ts'

/** The provider simulator, with the accounts of a scenario. */
export interface ProofSimulator extends ProofUpstream {
  readonly openaiBaseUrl: string
  /** The number of requests received from an account. */
  countOf(key: string): Promise<number>
  /** Sets the delay of responses from now on, in milliseconds. */
  setLatency(latencyMs: number): Promise<void>
  forget(): Promise<void>
  stop(): Promise<void>
}

export async function startProofSimulator(keys: readonly string[]): Promise<ProofSimulator> {
  const simulator = await startSimulatorProcess(keys.map((apiKey) => ({ apiKey })))
  const recorded = async (): Promise<Departure[]> =>
    (await simulator.requests()).flatMap(({ apiKey, arrivedAtMs }) =>
      apiKey === undefined ? [] : [{ headAtMs: arrivedAtMs, wholeAtMs: arrivedAtMs, key: apiKey }],
    )
  return {
    port: Number(new URL(simulator.url).port),
    openaiBaseUrl: simulator.openaiBaseUrl,
    recorded,
    countOf: async (key) => (await recorded()).filter((departure) => departure.key === key).length,
    setLatency: async (latencyMs) => {
      const response = await fetch(`${simulator.url}/_simulator/controls`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ latencyMs }),
      })
      if (!response.ok) throw new Error(`the simulator refused the latency: ${await response.text()}`)
    },
    forget: simulator.forget,
    stop: simulator.stop,
  }
}

/** A provider that responds only when it has the complete request, which the simulator does not do for uploads. */
export interface UploadUpstream extends ProofUpstream {
  readonly baseUrl: string
  stop(): Promise<void>
}

export async function startUploadUpstream(): Promise<UploadUpstream> {
  const departures: Departure[] = []
  const server: Server = createServer({ requestTimeout: 0 }, (request, response) => {
    const headAtMs = Date.now()
    const key = request.headers.authorization?.replace(/^Bearer /, '')
    if (key === undefined) throw new Error('a request has no key')
    const index = departures.push({ headAtMs, key }) - 1
    request.resume().once('end', () => {
      departures[index] = { headAtMs, wholeAtMs: Date.now(), key }
      response.setHeader('content-type', 'application/json').end('{"text":"It flows."}')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    port,
    baseUrl: `http://127.0.0.1:${port}/v1`,
    recorded: async () => departures,
    stop: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
