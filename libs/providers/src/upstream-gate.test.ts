import { expect, it } from 'vitest'
import { createEgressPolicy, type Lookup, UpstreamAddressError } from './upstream-gate.ts'

/** The addresses that a connection over `protocol` would try, of those that its name has. */
function found(protocol: string, addresses: string[], { allowInsecureLoopback = true, all = true } = {}) {
  const lookup: Lookup = (_hostname, _options, done) => {
    const answer = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
    done(null, answer)
  }
  const gate = createEgressPolicy({ allowInsecureLoopback }, lookup)
  return new Promise((resolve, reject) => {
    gate.lookup(protocol)('upstream.test', { all }, (error, address, family) => {
      if (error !== null) reject(error)
      else resolve(typeof address === 'string' ? { address, family } : address.map((one) => one.address))
    })
  })
}

it('passes over the addresses that no upstream may have', async () => {
  const addresses = ['169.254.169.254', '93.184.216.34', 'fe80::1', '2606:2800::1', '127.0.0.1']
  expect(await found('https:', addresses)).toEqual(['93.184.216.34', '2606:2800::1', '127.0.0.1'])
  expect(await found('http:', addresses)).toEqual(['127.0.0.1'])
  expect(await found('https:', addresses, { all: false })).toEqual({ address: '93.184.216.34', family: 4 })
})

it('refuses a name without an address that is allowed', async () => {
  for (const lookup of [
    found('https:', ['169.254.169.254']),
    found('https:', []),
    found('http:', ['127.0.0.1'], { allowInsecureLoopback: false }),
  ]) {
    await expect(lookup).rejects.toBeInstanceOf(UpstreamAddressError)
  }
})

it('judges an address that stands for itself, and lets names through to be looked up', () => {
  const gate = createEgressPolicy({ allowInsecureLoopback: true }, () => expect.unreachable())
  expect(gate.fault('https:', '169.254.169.254')).toBeInstanceOf(UpstreamAddressError)
  expect(gate.fault('https:', 'fe80::1')).toBeInstanceOf(UpstreamAddressError)
  expect(gate.fault('http:', '93.184.216.34')).toBeInstanceOf(UpstreamAddressError)
  expect(gate.fault('http:', '::1')).toBeUndefined()
  expect(gate.fault('https:', '93.184.216.34')).toBeUndefined()
  expect(gate.fault('http:', 'upstream.test')).toBeUndefined()
})

it('hands on that the name could not be found', async () => {
  const fault = Object.assign(new Error('not found'), { code: 'ENOTFOUND' })
  const gate = createEgressPolicy({ allowInsecureLoopback: false }, (_hostname, _options, done) => done(fault, []))
  const error = await new Promise((resolve) => gate.lookup('https:')('upstream.test', { all: true }, resolve))
  expect(error).toBe(fault)
})
