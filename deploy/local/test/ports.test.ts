import { once } from 'node:events'
import { createServer } from 'node:net'
import { freePort } from '@sluice/local-servers'
import { expect, it, onTestFinished } from 'vitest'
import { assertPortFree, isPortFree } from '../src/ports.ts'

it.each(['127.0.0.1', '0.0.0.0', '::'])('a server on %s occupies the port', async (host) => {
  const port = await freePort()
  await assertPortFree(port, 'GATEWAY_PORT')
  const server = createServer().listen({ host, port })
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  expect(await isPortFree(port)).toBe(false)
  await expect(assertPortFree(port, 'GATEWAY_PORT')).rejects.toMatchObject({
    code: 'port_taken',
    message: `Port ${port} is already in use: stop the program that listens on it, or choose another port with GATEWAY_PORT.`,
  })
})
