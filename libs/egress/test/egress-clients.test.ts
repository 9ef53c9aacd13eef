import { once } from 'node:events'
import { createServer, get, type RequestListener, type Server } from 'node:http'
import { get as getSecurely } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { getGlobalDispatcher } from 'undici'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import {
  createEgressAgents,
  createEgressFetch,
  createEgressPolicy,
  egressConnector,
  type Lookup,
  UpstreamAddressError,
} from '../src/index.ts'

const TARGET = { protocol: 'http:', hostname: 'upstream.test' }
let server: Server
let port: string
let respond: RequestListener

beforeAll(async () => {
  server = createServer((request, response) => respond(request, response)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  port = String((server.address() as AddressInfo).port)
})

afterAll(() => {
  server.closeAllConnections()
  server.close()
})

/** A policy under which every name has these addresses. */
function policyWith({ addresses = [] as string[], allowInsecureLoopback = true } = {}) {
  const lookup: Lookup = (_hostname, _options, callback) => {
    const found = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
    callback(null, found)
  }
  return createEgressPolicy({ allowInsecureLoopback, lookup })
}

describe('the connector of undici’s clients', () => {
  function connect(
    target: Partial<typeof TARGET>,
    options: Parameters<typeof policyWith>[0] = {},
  ): Promise<string | undefined> {
    const connector = egressConnector(policyWith(options), 1_000)
    return new Promise((resolve, reject) => {
      connector({ ...TARGET, ...target, port }, (...[error, socket]: [Error, null] | [null, Socket]) => {
        if (error !== null) return reject(error)
        resolve(socket.remoteAddress)
        socket.destroy()
      })
    })
  }

  it('connects to an allowed address, and passes over those that are not', async () => {
    expect(await connect({}, { addresses: ['127.0.0.1'] })).toBe('127.0.0.1')
    expect(await connect({}, { addresses: ['169.254.169.254', '10.0.0.1', '127.0.0.1'] })).toBe('127.0.0.1')
    expect(await connect({ hostname: '127.0.0.1' })).toBe('127.0.0.1')
  })

  it.each([
    ['a name that resolves to a metadata address', { protocol: 'https:' }, ['169.254.169.254']],
    ['a metadata address', { protocol: 'https:', hostname: '169.254.169.254' }, []],
    ['a link-local address', { protocol: 'https:', hostname: 'fe80::1' }, []],
    ['http to a name that is not on this machine', {}, ['10.0.0.1', '93.184.216.34']],
    ['http to an address that is not this machine', { hostname: '10.0.0.1' }, []],
  ])('refuses %s', async (_, target, addresses) => {
    await expect(connect(target, { addresses })).rejects.toBeInstanceOf(UpstreamAddressError)
  })

  it('refuses http to this machine where that is not allowed', async () => {
    const refused = connect({}, { addresses: ['127.0.0.1'], allowInsecureLoopback: false })
    await expect(refused).rejects.toBeInstanceOf(UpstreamAddressError)
  })
})

describe('the fetch that enforces a policy', () => {
  function egressFetch(options: Parameters<typeof policyWith>[0] = {}) {
    const { fetch, destroy } = createEgressFetch(policyWith(options), 1_024)
    onTestFinished(destroy)
    return fetch
  }

  it('reaches an allowed address, and refuses the others', async () => {
    respond = (_request, response) => response.end('here')
    const response = await egressFetch({ addresses: ['169.254.169.254', '127.0.0.1'] })(`http://upstream.test:${port}`)
    expect(await response.text()).toBe('here')
    for (const url of ['https://169.254.169.254', 'https://[fe80::1]', 'https://upstream.test', 'http://10.0.0.1']) {
      const refused = egressFetch({ addresses: ['169.254.169.254'] })(url)
      await expect(refused, url).rejects.toMatchObject({ cause: expect.any(UpstreamAddressError) })
    }
  })

  it('leaves the fetch and the dispatcher of the rest of the process as they were, also at the same time', async () => {
    respond = (_request, response) => response.end('here')
    const before = getGlobalDispatcher()
    const globalFetch = globalThis.fetch
    const url = `http://127.0.0.1:${port}`
    const strict = egressFetch({ allowInsecureLoopback: false })
    const [refused, elsewhere] = await Promise.allSettled([strict(url), fetch(url)])
    expect(refused).toMatchObject({ reason: { cause: expect.any(UpstreamAddressError) } })
    expect(elsewhere).toMatchObject({ status: 'fulfilled', value: { status: 200 } })
    expect(getGlobalDispatcher()).toBe(before)
    expect(globalThis.fetch).toBe(globalFetch)
  })

  it('rejects instead of following a redirect', async () => {
    const paths: unknown[] = []
    respond = ({ url }, response) => {
      paths.push(url)
      response.writeHead(307, { location: '/elsewhere' }).end()
    }
    await expect(egressFetch()(`http://127.0.0.1:${port}/`)).rejects.toThrow('fetch failed')
    expect(paths).toEqual(['/'])
  })

  it('rejects a response body that is too large', async () => {
    respond = (_request, response) => response.end('x'.repeat(1_025))
    const response = await egressFetch()(`http://127.0.0.1:${port}/`)
    await expect(response.text()).rejects.toThrow()
  })
})

describe('the Node agents that enforce a policy', () => {
  function statusOf(url: string, options: Parameters<typeof policyWith>[0] = {}): Promise<number | undefined> {
    const { http, https } = createEgressAgents(policyWith(options))
    onTestFinished(() => {
      http.destroy()
      https.destroy()
    })
    const isSecure = url.startsWith('https:')
    return new Promise((resolve, reject) => {
      const request = isSecure ? getSecurely(url, { agent: https }) : get(url, { agent: http })
      request.on('error', reject).on('response', (response) => {
        resolve(response.statusCode)
        response.resume()
      })
    })
  }

  it('reach an allowed address, by name or as it is', async () => {
    respond = (_request, response) => response.end('here')
    expect(await statusOf(`http://upstream.test:${port}`, { addresses: ['10.0.0.1', '127.0.0.1'] })).toBe(200)
    expect(await statusOf(`http://127.0.0.1:${port}`)).toBe(200)
  })

  it.each([
    ['a name that resolves to a metadata address', 'https://upstream.test', ['169.254.169.254']],
    ['a metadata address', 'https://169.254.169.254', []],
    ['a link-local address', 'https://[fe80::1]', []],
    ['http to an address that is not this machine', 'http://10.0.0.1', []],
  ])('refuse %s', async (_, url, addresses) => {
    await expect(statusOf(url, { addresses })).rejects.toBeInstanceOf(UpstreamAddressError)
  })
})
