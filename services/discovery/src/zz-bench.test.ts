import { connectionProjection, responses } from '@sluice/contracts'
import { connectBus, ensureStream, openBucket, publishToStream } from '@sluice/messaging'
import { createLogger, readConfig } from '@sluice/service-kit'
import { eventually, testDatabase, testNats } from '@sluice/testkit'
import { it, expect } from 'vitest'
import { DiscoveryConfig, start } from './index.ts'
it.each([[20, 100], [1000, 10]])('%d connections, %d events a message', async (C, N) => {
  const [nats, database] = await Promise.all([testNats(), testDatabase()])
  const bus = await connectBus({ servers: nats.url, name: 't' })
  await ensureStream(bus, responses)
  const connections = await openBucket(bus, connectionProjection)
  for (let i = 0; i < C; i++) await connections.put(`c${i}`, { id: `c${i}`, name: `c${i}`, provider: 'openai', config: {}, capacity: [], defaultMaxOutputTokens: 1, tokenReservation: 'maximum', onCapacityUnavailable: 'reject', maxWaitMs: 0, enabled: true, version: 1 } as never)
  const M = 200_000 / N
  const mk = (b: number): any => ({ connectionId: `c${b % C}`, provider: 'openai', gateway: 'g', batch: b + 1, events: Array.from({ length: N }, (_, i) => ({
    requestId: `req-${b}-${i}`, startedAtMs: 1e12 + b * 100 + i, endedAtMs: 1e12 + b * 100 + i, apiKeyId: 'k', model: `m${i % 3}`, outcome: 'success', upstreamStatus: 200,
    usage: { inputTokens: 10, outputTokens: 20, cachedInputTokens: 0, reasoningTokens: 0 }, timeToFirstByteMs: 3.5, upstreamMs: 10.25, headersAtMs: 1e12 + b * 100 + i,
    rateLimitHeaders: { 'x-ratelimit-limit-requests': '500', 'x-ratelimit-limit-tokens': '200000', 'x-ratelimit-remaining-requests': '499', 'x-ratelimit-remaining-tokens': '199996', 'x-ratelimit-reset-requests': '120ms', 'x-ratelimit-reset-tokens': '6m0s' } })) })
  for (let b = 0; b < M; b += 200) await Promise.all(Array.from({ length: 200 }, (_, i) => publishToStream(bus, responses, [`c${(b + i) % C}`], mk(b + i), `g-${b + i}`)))
  const t = performance.now(); const cpu = process.cpuUsage()
  const service = await start(readConfig(DiscoveryConfig, { NATS_URL: nats.url, DATABASE_URL: database.url }), createLogger('discovery', 'silent'))
  await eventually(async () => { const c = await bus.jetstreamManager.consumers.info('RESPONSES', 'discovery'); expect(c.num_pending + c.num_ack_pending).toBe(0) }, { timeoutMs: 100_000 })
  const ms = performance.now() - t; const u = process.cpuUsage(cpu)
  console.log(`C=${C} N=${N}: ${Math.round(200_000 / ms * 1000)} events/s, cpu us/event ${(u.user + u.system) / 200_000}`)
  await service.stop(); await bus.close(); await nats.stop(); await database.drop()
}, 150_000)
