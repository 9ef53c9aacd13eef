import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import { createServer, type Server } from 'node:net'
import { type Lookup, UpstreamAddressError } from '@sluice/providers'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { upstreamConnector } from './upstream-connector.ts'

const TARGET = { protocol: 'http:', hostname: 'upstream.test' }
let server: Server
let port: string

beforeAll(async () => {
  server = createServer((socket) => socket.end()).listen(0, '127.0.0.1')
  await once(server, 'listening')
  port = String((server.address() as AddressInfo).port)
})

afterAll(() => {
  server.close()
})

function connect(
  target: Partial<typeof TARGET>,
  { addresses = [] as string[], allowInsecureLoopback = true } = {},
): Promise<string | undefined> {
  const lookup: Lookup = (_hostname, _options, callback) => {
    const found = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
    callback(null, found)
  }
  const connector = upstreamConnector({ timeoutMs: 1_000, allowInsecureLoopback, lookup })
  return new Promise((resolve, reject) => {
    connector({ ...TARGET, ...target, port }, (...[error, socket]: [Error, null] | [null, Socket]) => {
      if (error !== null) return reject(error)
      resolve(socket.remoteAddress)
      socket.destroy()
    })
  })
}

it('connects to an address that is allowed, and passes over those that are not', async () => {
  expect(await connect({}, { addresses: ['127.0.0.1'] })).toBe('127.0.0.1')
  expect(await connect({}, { addresses: ['169.254.169.254', '10.0.0.1', '127.0.0.1'] })).toBe('127.0.0.1')
  expect(await connect({ hostname: '127.0.0.1' })).toBe('127.0.0.1')
})

it.each([
  ['a name that has come to be a metadata address', { protocol: 'https:' }, ['169.254.169.254']],
  ['a metadata address', { protocol: 'https:', hostname: '169.254.169.254' }, []],
  ['a link-local address', { protocol: 'https:', hostname: 'fe80::1' }, []],
  ['http to anywhere but this machine', {}, ['10.0.0.1', '93.184.216.34']],
  ['http to an address that is not this machine', { hostname: '10.0.0.1' }, []],
])('refuses %s', async (_, target, addresses) => {
  await expect(connect(target, { addresses })).rejects.toBeInstanceOf(UpstreamAddressError)
})

it('refuses http to this machine where that is not allowed', async () => {
  const refused = connect({}, { addresses: ['127.0.0.1'], allowInsecureLoopback: false })
  await expect(refused).rejects.toBeInstanceOf(UpstreamAddressError)
})
