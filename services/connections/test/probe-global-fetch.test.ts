import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Secret } from '@sluice/service-kit'
import { getGlobalDispatcher } from 'undici'
import { expect, it, onTestFinished } from 'vitest'

it('a connection test leaves every other fetch of the process alone', async () => {
  const countArrived = Promise.withResolvers<void>()
  const elsewhereDone = Promise.withResolvers<void>()
  const server = createServer((request, response) => {
    response.setHeader('content-type', 'application/json')
    if (request.url === '/elsewhere') response.end('here')
    else if (request.method === 'GET') response.end('{"models":[{"name":"models/gemini-2.5-flash"}]}')
    else {
      countArrived.resolve()
      void elsewhereDone.promise.then(() => response.end('{"totalTokens":1}'))
    }
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  const dispatcher = getGlobalDispatcher()
  const globalFetch = globalThis.fetch
  const { createProviderProbe } = await import('../src/probes/provider-probe.ts')
  const probe = createProviderProbe({ allowInsecureLoopback: true, sts: {} })
  onTestFinished(() => probe.stop())
  const config = { apiKey: new Secret('AIza-key'), baseUrl }
  const test = probe.test({ provider: 'google', config, allowedModels: ['gemini-2.5-flash'] })
  await countArrived.promise
  expect(getGlobalDispatcher()).toBe(dispatcher)
  expect(globalThis.fetch).toBe(globalFetch)
  expect(await (await fetch(`${baseUrl}/elsewhere`)).text()).toBe('here')
  elsewhereDone.resolve()
  expect(await test).toMatchObject({ ok: true })
})
