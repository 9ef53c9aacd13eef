import { once } from 'node:events'
import { createServer } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { assertPortFree, freePort, isPortFree } from './ports.ts'

it.each(['127.0.0.1', '0.0.0.0', '::'])('sees that a server on %s takes the port', async (host) => {
  const port = await freePort()
  await assertPortFree(port, 'GATEWAY_PORT')
  const server = createServer().listen({ host, port })
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  expect(await isPortFree(port)).toBe(false)
  await expect(assertPortFree(port, 'GATEWAY_PORT')).rejects.toMatchObject({
    code: 'port_taken',
    message: `Port ${port} is taken: end what listens there, or choose another with GATEWAY_PORT.`,
  })
})
