import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setImmediate as yielded } from 'node:timers/promises'
import { createEgressPolicy, UpstreamAddressError } from '@sluice/providers'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { gatedAgent } from './gated-agent.ts'
import { withDispatcher } from './scoped-fetch.ts'

const agent = gatedAgent(
  createEgressPolicy({ allowInsecureLoopback: false }, () => expect.unreachable('an address is not looked up')),
  1_024,
)
let server: Server
let url: string

beforeAll(async () => {
  server = createServer((_request, response) => response.end('here')).listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(async () => {
  server.closeAllConnections()
  server.close()
  await agent.destroy()
})

const get = async () => (await fetch(url)).text()

it('has the global fetch go through the dispatcher inside, however late it is called', async () => {
  const late = async () => {
    await yielded()
    return get()
  }
  for (const work of [get, late]) {
    const refused = withDispatcher(agent, work)
    await expect(refused).rejects.toMatchObject({ cause: expect.any(UpstreamAddressError) })
  }
})

it('leaves alone what is sent meanwhile by others, and afterwards', async () => {
  const inside = expect(withDispatcher(agent, get)).rejects.toThrow()
  expect(await get()).toBe('here')
  await inside
  expect(await get()).toBe('here')
})
