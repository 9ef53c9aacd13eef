import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { CapacityConfig, start as startCapacity } from '@sluice/capacity'
import { capacityStatus } from '@sluice/contracts'
import { request } from '@sluice/messaging'
import { createLogger, readConfig, type Service } from '@sluice/service-kit'
import { eventually, type TestNats, testNats } from '@sluice/testkit'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { untilKnown } from './support/fresh-connection.ts'
import { postJson, sendRequest } from './support/send-request.ts'
import { startGateway, type TestGateway } from './support/start-gateway.ts'

/** An upstream in a process of its own: while that is stopped, its full accept queue keeps new connections waiting. */
const UPSTREAM = `
  const server = require('node:http').createServer((request, response) => {
    request.resume()
    request.on('end', () => {
      console.log('request')
      response.setHeader('content-type', 'application/json')
      response.end('{}')
    })
  })
  server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => console.log(server.address().port))
`
const BODY = { model: 'gpt-4.1-mini', messages: [{ role: 'user', content: 'Say something.' }] }

let nats: TestNats
let capacity: Service
let gateway: TestGateway
let upstream: ChildProcess
let port: number
let requests: number
const fillers: Socket[] = []

beforeEach(async () => {
  nats = await testNats()
  capacity = await startCapacity(readConfig(CapacityConfig, { NATS_URL: nats.url }), createLogger('capacity', 'silent'))
  gateway = await startGateway({ natsUrl: nats.url })
  requests = 0
  upstream = spawn(process.execPath, ['-e', UPSTREAM], { stdio: ['ignore', 'pipe', 'inherit'] })
  const listening = Promise.withResolvers<number>()
  upstream.stdout?.setEncoding('utf8').on('data', (text: string) => {
    for (const line of text.trim().split('\n')) {
      if (line === 'request') requests++
      else listening.resolve(Number(line))
    }
  })
  port = await listening.promise
})

afterEach(async () => {
  for (const filler of fillers.splice(0)) filler.destroy()
  upstream.kill('SIGKILL')
  await gateway.stop()
  await capacity.stop()
  await nats.stop()
})

/** Stops the upstream and fills its accept queue, so that the kernel accepts no further connection. */
async function hang(): Promise<void> {
  upstream.kill('SIGSTOP')
  for (let i = 0; i < 8; i++) fillers.push(connect(port, '127.0.0.1').on('error', () => undefined))
  // Those that fit in the queue are connected at once, and the others wait.
  await eventually(() => expect(fillers.filter(({ pending }) => !pending).length).toBeGreaterThan(0))
}

it('sends no request under a permit that expired during the connect, and refunds that permit', async () => {
  const apiKey = await gateway.apiKey()
  const limits = [{ period: 'minute' as const, requests: 5 }]
  const { baseURL, settings } = await gateway.connection({ baseUrl: `http://127.0.0.1:${port}`, capacity: limits })
  await untilKnown(gateway.url, settings.name, apiKey)
  const used = async () => (await request(gateway.bus, capacityStatus, [settings.id], {})).windows[0]?.used
  await hang()
  const before = await used()
  const responses = Array.from({ length: 3 }, () => postJson(`${baseURL}/chat/completions`, apiKey, BODY))
  await eventually(async () => expect(await used()).toBe((before ?? 0) + 3))
  await eventually(async () => expect(await used()).toBe(before), { timeoutMs: 10_000 })
  upstream.kill('SIGCONT')
  expect((await Promise.all(responses)).map(({ status }) => status)).toEqual([200, 200, 200])
  expect(requests).toBe(3)
  expect(await used()).toBe((before ?? 0) + 3)
  expect(gateway.logs()).toContain('A permit expired before its request could depart.')
}, 60_000)

it('uses no capacity for a request whose connection is never established', async () => {
  const apiKey = await gateway.apiKey()
  const limits = [{ period: 'minute' as const, requests: 5 }]
  const { baseURL, settings } = await gateway.connection({ baseUrl: `http://127.0.0.1:${port}`, capacity: limits })
  await untilKnown(gateway.url, settings.name, apiKey)
  upstream.kill('SIGKILL')
  await once(upstream, 'exit')
  expect((await postJson(`${baseURL}/chat/completions`, apiKey, BODY)).status).toBe(502)
  await eventually(async () => {
    expect((await request(gateway.bus, capacityStatus, [settings.id], {})).windows[0]?.used).toBe(0)
  })
})

it('reads an upload that its provider does not read, so that the client sees the error', async () => {
  const apiKey = await gateway.apiKey()
  const { baseURL, settings } = await gateway.connection({ baseUrl: `http://127.0.0.1:${port}`, capacity: [] })
  await untilKnown(gateway.url, settings.name, apiKey)
  upstream.kill('SIGKILL')
  await once(upstream, 'exit')
  const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/octet-stream' }
  const clientResponse = await sendRequest(`${baseURL}/files`, {
    method: 'POST',
    headers,
    body: Buffer.alloc(8_000_000),
  })
  expect(clientResponse.status).toBe(502)
})
