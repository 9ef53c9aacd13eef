import {
  type CapacityStatus,
  capacityStatus,
  type Outcome,
  type ProjectedConnection,
  type ResponseEvent,
} from '@sluice/contracts'
import { request } from '@sluice/messaging'
import { eventually } from '@sluice/testkit'
import { expect } from 'vitest'
import { sendRequest } from './send-request.ts'
import type { ConnectionToMake, TestGateway } from './start-gateway.ts'

/** A new connection, to which nothing is charged yet. */
export interface FreshConnection {
  /** `…/connections/NAME`, which most SDKs take as their base URL; OpenAI's takes it with `/v1`. */
  readonly baseURL: string
  readonly settings: ProjectedConnection
  /** Waits until exactly this is charged, and nothing is reserved. */
  isCharged(expected: { readonly requests: number; readonly tokens: number }): Promise<void>
  /** Waits until nothing is reserved; resolves with what is charged. */
  isSettled(): Promise<{ readonly requests: number; readonly tokens: number }>
  /** Returns the cool-downs of the connection. */
  coolDowns(): Promise<CapacityStatus['coolDowns']>
  /** Returns the connection's events, oldest first. */
  events(): readonly ResponseEvent[]
  /** Waits until the latest request has this outcome. */
  ended(outcome: Outcome): Promise<ResponseEvent>
}

/** Makes a connection, by default with more capacity than a test uses, and waits until the gateway knows it. */
export async function freshConnection(
  gateway: TestGateway,
  apiKey: string,
  connection: ConnectionToMake,
): Promise<FreshConnection> {
  const { settings } = await gateway.connection({ capacity: AMPLE, ...connection })
  const baseURL = `${gateway.url}/connections/${settings.name}`
  await untilKnown(gateway.url, settings.name, apiKey)
  const status = () => request(gateway.bus, capacityStatus, [settings.id], {})
  const isSettled = () =>
    eventually(async () => {
      const { windows } = await status()
      expect(windows.filter(({ reserved }) => reserved !== 0)).toEqual([])
      const used = (metric: string) => windows.find((window) => window.metric === metric)?.used ?? 0
      return { requests: used('requests'), tokens: used('tokens') }
    })
  const events = () => gateway.events.filter(({ connectionId }) => connectionId === settings.id)
  return {
    baseURL,
    settings,
    isCharged: (expected) => eventually(async () => expect(await isSettled()).toEqual(expected)),
    isSettled,
    coolDowns: async () => (await status()).coolDowns,
    events,
    ended: (outcome) =>
      eventually(() => {
        const event = events().at(-1)
        expect(event?.outcome).toBe(outcome)
        return event as ResponseEvent
      }),
  }
}

const AMPLE: ProjectedConnection['capacity'] = [{ period: 'hour', requests: 10_000, tokens: 100_000_000 }]

/** Waits until the gateway knows the connection and the key. Requests a path that no provider has, which leaves no trace. */
export async function untilKnown(gatewayUrl: string, connectionName: string, apiKey: string): Promise<void> {
  await eventually(async () => {
    const { status, headers } = await sendRequest(`${gatewayUrl}/connections/${connectionName}/`, {
      headers: { authorization: `Bearer ${apiKey}` },
    })
    expect([status, headers['x-sluice-connection']]).toEqual([404, connectionName])
  })
}
