import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { freePort } from '@sluice/local-servers'
import type { Account, RequestCounts, RequestRecord } from '@sluice/provider-simulator'
import { PROJECT_DIR } from './nats.ts'
import { stopProcess } from './processes.ts'

/** The provider simulator as its own process, so that the benchmark's own load does not delay its timestamps. */
export interface SimulatorProcess {
  readonly url: string
  readonly openaiBaseUrl: string
  requests(): Promise<readonly RequestRecord[]>
  /** The number of requests since it started or was reset. */
  requestsSeen(): Promise<number>
  forget(): Promise<void>
  stop(): Promise<void>
}

export async function startSimulatorProcess(accounts: readonly Account[]): Promise<SimulatorProcess> {
  const port = await freePort()
  const child = fork(join(PROJECT_DIR, 'tools/provider-simulator/src/main.ts'), {
    env: { PATH: process.env.PATH, PORT: String(port), ACCOUNTS: JSON.stringify(accounts) },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const [event] = await Promise.race([once(child, 'message'), once(child, 'exit')])
  if (event !== 'ready') throw new Error('the simulator did not start')
  const url = `http://127.0.0.1:${port}`
  return {
    url,
    openaiBaseUrl: `${url}/v1`,
    requests: async () => {
      const body = (await (await fetch(`${url}/_simulator/requests`)).json()) as { items: RequestRecord[] }
      return body.items
    },
    requestsSeen: async () => {
      const counts = (await (await fetch(`${url}/_simulator/requests/counts`)).json()) as RequestCounts
      return counts.total
    },
    forget: async () => {
      await fetch(`${url}/_simulator/requests`, { method: 'DELETE' })
    },
    stop: () => stopProcess(child),
  }
}
