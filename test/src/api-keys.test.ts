import type { ApiKeyView } from '@sluice/contracts'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { type System, startSystem } from './start-system.ts'

let system: System
let apiKey: string

beforeAll(async () => {
  system = await startSystem({ gateways: 2 })
  apiKey = (await system.connect('shared', [])).apiKey
})
afterAll(() => system.stop())

async function statusFrom(gatewayUrl: string): Promise<number> {
  const headers = { authorization: `Bearer ${apiKey}` }
  const response = await fetch(`${gatewayUrl}/connections/shared/v1/models`, { headers })
  await response.text()
  return response.status
}

it('the admin API shows when an API key was last used', async () => {
  const startedAtMs = Date.now()
  const messages = [{ role: 'user' as const, content: 'Hello' }]
  await system.client('shared', apiKey).chat.completions.create({ model: 'gpt-4o-mini', messages })
  await vi.waitFor(
    async () => {
      const { items } = await system.admin.get<{ items: ApiKeyView[] }>('/api-keys')
      const lastUsedAtMs = Date.parse(items[0]?.lastUsedAt ?? '')
      expect(lastUsedAtMs).toBeGreaterThanOrEqual(startedAtMs)
      expect(lastUsedAtMs).toBeLessThanOrEqual(Date.now())
    },
    { timeout: 5_000 },
  )
})

it('every gateway refuses a revoked API key within a second', async () => {
  const { gatewayUrls } = system.stack
  expect(gatewayUrls).toHaveLength(2)
  expect(await Promise.all(gatewayUrls.map(statusFrom))).toEqual([200, 200])
  const { items } = await system.admin.get<{ items: ApiKeyView[] }>('/api-keys')
  const [key] = items
  const revokedAtMs = performance.now()
  await system.admin.delete(`/api-keys/${key?.id}`)
  const refusedAfterMs = await Promise.all(
    gatewayUrls.map((url) =>
      vi.waitFor(
        async () => {
          expect(await statusFrom(url)).toBe(401)
          return performance.now() - revokedAtMs
        },
        { timeout: 5_000 },
      ),
    ),
  )
  for (const afterMs of refusedAfterMs) expect(afterMs).toBeLessThan(1_000)
  expect(await Promise.all(gatewayUrls.map(statusFrom))).toEqual([401, 401])
})
