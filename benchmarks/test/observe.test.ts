import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { itWhere } from '@sluice/testkit'
import { afterEach, expect, it } from 'vitest'
import { watchUpstreams } from '../exactness/observe.ts'
import { startCapture } from '../exactness/wire/capture.ts'
import type { Departure } from '../exactness/wire/departures.ts'

const stops: (() => unknown)[] = []
afterEach(() => {
  for (const stop of stops.splice(0)) stop()
})

/** Starts a server that responds on a port and has a record of its own. */
async function upstreamThat(recorded: readonly Departure[]) {
  const server = createServer((request, response) => request.resume().once('end', () => response.end())).listen(0)
  stops.push(() => server.close())
  await once(server, 'listening')
  return { port: (server.address() as AddressInfo).port, recorded: async () => recorded }
}

const fail = (line: string) => {
  throw new Error(line)
}
const request = (port: number, key: string) =>
  fetch(`http://127.0.0.1:${port}/`, { headers: { authorization: `Bearer ${key}` } })

const tried = await startCapture([1])
if (tried.status === 'capturing') await tried.capture.stop()
const refusal = tried.status === 'refused' ? tried.reason : ''

itWhere(refusal === '', refusal, 'uses the timestamps on the wire, whatever the upstream’s clock says', async () => {
  const upstream = await upstreamThat([{ headAtMs: 1, key: 'sk-a' }])
  const watch = await watchUpstreams([upstream], fail)
  const fromMs = Date.now()
  await request(upstream.port, 'sk-a')
  const observed = await watch.stop()
  expect(observed.by).toBe('wire')
  expect(observed.departuresOf('sk-a')).toEqual([expect.objectContaining({ key: 'sk-a' })])
  expect(observed.departuresOf('sk-a')[0]?.headAtMs).toBeGreaterThanOrEqual(fromMs - 1)
})

itWhere(refusal === '', refusal, 'fails if the capture misses a request that the upstream recorded', async () => {
  const upstream = await upstreamThat([
    { headAtMs: 1, key: 'sk-a' },
    { headAtMs: 2, key: 'sk-a' },
  ])
  const watch = await watchUpstreams([upstream], fail)
  await request(upstream.port, 'sk-a')
  await expect(watch.stop()).rejects.toThrow(
    'the upstream received 2 requests of sk-a, but only 1 were captured on the wire',
  )
})

it('uses the upstream’s own record, and prints why, when the wire cannot be captured', async () => {
  const lines: string[] = []
  const departure = { headAtMs: 1, wholeAtMs: 2, key: 'sk-a' }
  // No port has this number, so tcpdump refuses it.
  const watch = await watchUpstreams([{ port: 70_000, recorded: async () => [departure] }], (line) => lines.push(line))
  const observed = await watch.stop()
  expect(observed.by).toBe('upstream')
  expect(observed.departuresOf('sk-a')).toEqual([departure])
  expect(lines[0]).toMatch(/^The wire cannot be captured here: ./)
})
