import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { Transform } from 'node:stream'
import { afterEach, expect, it } from 'vitest'
import { createStarted } from '../shared/processes.ts'
import { startTcpProxy, type TcpProxyOptions } from '../shared/tcp-proxy.ts'

const started = createStarted()
afterEach(() => started.stop())

/** Returns a client socket that is connected, through a proxy, to an echo server. */
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

it('a round trip takes twice the delay, also with many at the same time', async () => {
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

it('changes what the target sends', async () => {
  const upperCase = () =>
    new Transform({ transform: (piece: Buffer, _encoding, done) => done(null, piece.toString().toUpperCase()) })
  const socket = await echoThrough({ changeReplies: upperCase })
  socket.end('abc')
  const [piece] = await once(socket, 'data')
  expect(String(piece)).toBe('ABC')
})

it('passes on the end of one side after all data', async () => {
  const socket = await echoThrough({ delayMs: 20 })
  socket.end('last words')
  const pieces: Buffer[] = []
  for await (const piece of socket) pieces.push(piece as Buffer)
  expect(Buffer.concat(pieces).toString()).toBe('last words')
})

it('closes all connections when stopped', async () => {
  const socket = await echoThrough({})
  const closed = once(socket, 'close')
  await started.stop()
  await closed
  expect(socket.destroyed).toBe(true)
})
