import { expect, it } from 'vitest'
import { createEgressPolicy, type Lookup, UpstreamAddressError } from './egress-policy.ts'

/** Returns which of a name's addresses a connection over `protocol` would try. */
function found(protocol: string, addresses: string[], { allowInsecureLoopback = true, all = true } = {}) {
  const lookup: Lookup = (_hostname, _options, done) => {
    const addressesFound = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
    done(null, addressesFound)
  }
  const policy = createEgressPolicy({ allowInsecureLoopback, lookup })
  return new Promise((resolve, reject) => {
    policy.lookup(protocol)('upstream.test', { all }, (error, address, family) => {
      if (error !== null) reject(error)
      else resolve(typeof address === 'string' ? { address, family } : address.map(({ address }) => address))
    })
  })
}

it('the lookup of a policy drops the addresses that no upstream may have', async () => {
  const addresses = ['169.254.169.254', '93.184.216.34', 'fe80::1', '2606:2800::1', '127.0.0.1']
  expect(await found('https:', addresses)).toEqual(['93.184.216.34', '2606:2800::1', '127.0.0.1'])
  expect(await found('http:', addresses)).toEqual(['127.0.0.1'])
  expect(await found('https:', addresses, { all: false })).toEqual({ address: '93.184.216.34', family: 4 })
})

it('the lookup of a policy fails if a name has no allowed address', async () => {
  for (const lookup of [
    found('https:', ['169.254.169.254']),
    found('https:', []),
    found('http:', ['127.0.0.1'], { allowInsecureLoopback: false }),
  ]) {
    await expect(lookup).rejects.toBeInstanceOf(UpstreamAddressError)
  }
})

it('a policy refuses forbidden IP addresses without a lookup, and leaves names to the lookup', () => {
  const policy = createEgressPolicy({ allowInsecureLoopback: true, lookup: () => expect.unreachable() })
  expect(policy.fault('https:', '169.254.169.254')).toBeInstanceOf(UpstreamAddressError)
  expect(policy.fault('https:', 'fe80::1')).toBeInstanceOf(UpstreamAddressError)
  expect(policy.fault('http:', '93.184.216.34')).toBeInstanceOf(UpstreamAddressError)
  expect(policy.fault('http:', '::1')).toBeUndefined()
  expect(policy.fault('https:', '93.184.216.34')).toBeUndefined()
  expect(policy.fault('http:', 'upstream.test')).toBeUndefined()
})

it('the lookup of a policy passes on that the name was not found', async () => {
  const fault = Object.assign(new Error('not found'), { code: 'ENOTFOUND' })
  const policy = createEgressPolicy({
    allowInsecureLoopback: false,
    lookup: (_hostname, _options, done) => done(fault, []),
  })
  const error = await new Promise((resolve) => policy.lookup('https:')('upstream.test', { all: true }, resolve))
  expect(error).toBe(fault)
})
