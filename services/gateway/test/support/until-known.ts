import { eventually } from '@sluice/testkit'
import { expect } from 'vitest'
import { exchange } from './exchange.ts'

/** Waits until the gateway knows the connection and the key, by a path that no provider has: that leaves no trace. */
export async function untilKnown(gatewayUrl: string, connectionName: string, apiKey: string): Promise<void> {
  await eventually(async () => {
    const { status, headers } = await exchange(`${gatewayUrl}/connections/${connectionName}/`, {
      headers: { authorization: `Bearer ${apiKey}` },
    })
    expect([status, headers['x-sluice-connection']]).toEqual([404, connectionName])
  })
}
