import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { Transform } from 'node:stream'
import { afterEach, expect, it } from 'vitest'
import { createStarted } from './processes.ts'
import { startTcpProxy, type TcpProxyOptions } from './tcp-proxy.ts'

const started = createStarted()
afterEach(() => started.stop())

/** A client's socket that leads to a server which sends back what it gets, through a proxy. */
async function echoThrough(options: Omit<TcpProxyOptions, 'targetPort'>) {
  const server = createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  await started.add(Promise.resolve({ stop: async () => void server.close() }))
  const targetPort = (server.address() as AddressInfo).port
  const { port } = await started.add(startTcpProxy({ ...options, targetPort }))
  const socket = connect({ host: '127.0.0.1', port })
  await once(socket, 'connect')
  return socket
}

it('a round trip takes twice the delay, and many at once no longer', async () => {
  const socket = await echoThrough({ delayMs: 60 })
  const sentAtMs = performance.now()
  for (let index = 0; index < 10; index++) socket.write('x')
  let received = 0
  for await (const piece of socket) {
    received += (piece as Buffer).length
    if (received === 10) break
  }
  const tookMs = performance.now() - sentAtMs
  expect(tookMs).toBeGreaterThan(118)
  expect(tookMs).toBeLessThan(600)
})

it('what the target sends is changed on its way', async () => {
  const upperCase = () =>
    new Transform({ transform: (piece: Buffer, _encoding, done) => done(null, piece.toString().toUpperCase()) })
  const socket = await echoThrough({ changeReplies: upperCase })
  socket.end('abc')
  const [piece] = await once(socket, 'data')
  expect(String(piece)).toBe('ABC')
})

it('the end of one side reaches the other after all that was sent', async () => {
  const socket = await echoThrough({ delayMs: 20 })
  socket.end('last words')
  const pieces: Buffer[] = []
  for await (const piece of socket) pieces.push(piece as Buffer)
  expect(Buffer.concat(pieces).toString()).toBe('last words')
})

it('stopping ends the connections', async () => {
  const socket = await echoThrough({})
  const closed = once(socket, 'close')
  await started.stop()
  await closed
  expect(socket.destroyed).toBe(true)
})
