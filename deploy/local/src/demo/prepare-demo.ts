import type { ApiKeyView, ConnectionView, CreatedApiKey } from '@sluice/contracts'
import type { AdminClient } from '../admin-client.ts'

export const DEMO_NAME = 'demo'
export const DEMO_REQUESTS_PER_MINUTE = 5

export interface PreparedDemo {
  readonly connectionId: string
  readonly apiKey: string
}

/** Makes the demo's connection and API key anew, so that every run begins with an unused capacity. */
export async function prepareDemo(
  admin: AdminClient,
  upstream: { baseUrl: string; apiKey: string },
): Promise<PreparedDemo> {
  await removeEarlier(admin)
  const connection = await admin.post<ConnectionView>('/connections', {
    name: DEMO_NAME,
    description: 'The provider simulator, at five requests a minute',
    provider: 'openai',
    config: { apiKey: upstream.apiKey, baseUrl: upstream.baseUrl },
    capacity: [{ period: 'minute', requests: DEMO_REQUESTS_PER_MINUTE, tokens: 100_000 }],
  })
  const { key } = await admin.post<CreatedApiKey>('/api-keys', { name: DEMO_NAME, connections: [connection.id] })
  return { connectionId: connection.id, apiKey: key }
}

async function removeEarlier(admin: AdminClient): Promise<void> {
  const connections = await admin.get<{ items: ConnectionView[] }>(`/connections?search=${DEMO_NAME}`)
  for (const { id, name } of connections.items) if (name === DEMO_NAME) await admin.delete(`/connections/${id}`)
  const keys = await admin.get<{ items: ApiKeyView[] }>('/api-keys')
  for (const { id, name } of keys.items) if (name === DEMO_NAME) await admin.delete(`/api-keys/${id}`)
}
