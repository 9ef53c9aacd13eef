import { randomUUID } from 'node:crypto'
import { subjectToken } from '@sluice/contracts'
import { ensureNatsPasswords } from '@sluice/local-servers'
import { connect } from 'nats'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { type System, startSystem } from './start-system.ts'

let system: System

beforeEach(async () => {
  system = await startSystem({ gateways: 2, capacities: 2 })
})
afterEach(() => system.stop())

it('services stay within their NATS permissions from startup to the deletion of a connection', async () => {
  const { id, apiKey } = await system.connect('busy', [{ period: 'minute', requests: 5 }])
  const request = { model: 'gpt-4o-mini', messages: [{ role: 'user' as const, content: 'Hello' }] }
  await Promise.all([0, 1].map((gateway) => system.client('busy', apiKey, gateway).chat.completions.create(request)))
  await vi.waitFor(
    async () => {
      const to = new Date(Date.now() + 60_000).toISOString()
      const { points } = await system.admin.get<{ points: { requests: number }[] }>(`/connections/${id}/usage?to=${to}`)
      expect(points.reduce((sum, point) => sum + point.requests, 0)).toBe(2)
    },
    { timeout: 5_000 },
  )
  expect(await statusOf(randomUUID())).toMatchObject({ code: 'connection_not_found' })
  expect(await recordsOf(id)).toBe(1)
  await system.admin.delete(`/connections/${id}`)
  await vi.waitFor(async () => expect(await statusOf(id)).toMatchObject({ code: 'connection_not_found' }), {
    timeout: 5_000,
  })
  expect(violations()).toEqual([])
})

/** Returns the capacity service's reply to the connections service. */
async function statusOf(connectionId: string): Promise<unknown> {
  const { connections } = await ensureNatsPasswords(system.stack.paths.natsPasswordsFile)
  const options = { servers: system.stack.natsUrl, user: 'connections', pass: connections }
  const nats = await connect({ ...options, inboxPrefix: '_INBOX.connections' })
  const reply = await nats.request(`capacity.v1.status.${connectionId}`, '{}')
  await nats.close()
  return reply.json()
}

/** Returns how many capacity records a connection has. */
async function recordsOf(connectionId: string): Promise<number> {
  const { operator } = await ensureNatsPasswords(system.stack.paths.natsPasswordsFile)
  const nats = await connect({ servers: system.stack.natsUrl, user: 'operator', pass: operator })
  const { streams } = await nats.jetstreamManager()
  const { state } = await streams.info('KV_capacity', {
    subjects_filter: `$KV.capacity.*.${subjectToken(connectionId)}`,
  })
  await nats.close()
  return Object.keys(state.subjects ?? {}).length
}

/** Returns the permission violations that NATS reported. */
function violations(): string[] {
  const lines = system.logs().split('\n')
  return lines.filter((line) => line.includes(' Violation'))
}
