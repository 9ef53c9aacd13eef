import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { itWhere } from '@sluice/testkit'
import { afterEach, expect, it } from 'vitest'
import { startCapture } from '../exactness/wire/capture.ts'
import { httpDepartures } from '../exactness/wire/departures.ts'
import { tcpStreams } from '../exactness/wire/tcp-streams.ts'

const stops: (() => unknown)[] = []
afterEach(() => {
  for (const stop of stops.splice(0)) stop()
})

async function startServer(): Promise<number> {
  const server = createServer((request, response) => request.resume().once('end', () => response.end())).listen(0)
  stops.push(() => server.close())
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

const tried = await startCapture([1])
if (tried.status === 'capturing') await tried.capture.stop()
const refusal = tried.status === 'refused' ? tried.reason : ''

itWhere(
  refusal === '',
  refusal,
  'captures every request, at times between the first one sent and the last response',
  async () => {
    const port = await startServer()
    const started = await startCapture([port])
    if (started.status === 'refused') throw new Error(started.reason)
    const fromMs = Date.now()
    for (let index = 0; index < 20; index++) {
      await fetch(`http://127.0.0.1:${port}/`, { headers: { authorization: `Bearer sk-${index}` } })
    }
    const untilMs = Date.now()
    const departures = tcpStreams(await started.capture.stop(), port)
      .flatMap(httpDepartures)
      .sort((a, b) => a.headAtMs - b.headAtMs)
    expect(departures.map(({ key }) => key)).toEqual(Array.from({ length: 20 }, (_, index) => `sk-${index}`))
    for (const { headAtMs } of departures) {
      expect(headAtMs).toBeGreaterThanOrEqual(fromMs - 1)
      expect(headAtMs).toBeLessThanOrEqual(untilMs + 1)
    }
  },
)

it('reports tcpdump’s reason when the capture cannot start', async () => {
  expect(await startCapture([70_000])).toEqual({ status: 'refused', reason: expect.stringMatching(/./) })
})
