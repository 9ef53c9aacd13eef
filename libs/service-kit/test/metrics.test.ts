import { freePort } from '@sluice/testkit'
import { expect, it } from 'vitest'
import { counter, serveMetrics } from '../src/metrics.ts'

it('serves the counts', async () => {
  const server = await serveMetrics('test', { METRICS_HOST: '127.0.0.1', METRICS_PORT: await freePort() })
  const dropped = counter('things.dropped', 'Things that were dropped.')
  dropped.add(0)
  const read = async () => (await fetch(server?.url ?? '')).text()
  expect(await read()).toMatch(/^sluice_things_dropped_total(\{.*\})? 0/m)
  dropped.add(3)
  dropped.add(4, { kind: 'odd' })
  const text = await read()
  expect(text).toMatch(/^sluice_things_dropped_total(\{[^k]*\})? 3/m)
  expect(text).toMatch(/^sluice_things_dropped_total\{.*kind="odd".*\} 4/m)
  await server?.stop()
  await expect(read()).rejects.toThrow()
})

it('serves nothing where no port is set', async () => {
  expect(await serveMetrics('test', { METRICS_HOST: '127.0.0.1' })).toBeUndefined()
})

it('rejects when its port is in use', async () => {
  const port = await freePort()
  const first = await serveMetrics('test', { METRICS_HOST: '127.0.0.1', METRICS_PORT: port })
  await expect(serveMetrics('test', { METRICS_HOST: '127.0.0.1', METRICS_PORT: port })).rejects.toThrow(/EADDRINUSE/)
  await first?.stop()
})
