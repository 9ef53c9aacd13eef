import { isIP } from 'node:net'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { addressKey, plainAddress } from './client-address.ts'

it.each([
  ['192.0.2.1', '192.0.2.1', '192.0.2.1'],
  ['192.0.2.1:443', '192.0.2.1', '192.0.2.1'],
  ['192.0.2.1:1', '192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1', '192.0.2.1'],
  ['::FFFF:c000:201', '192.0.2.1', '192.0.2.1'],
  ['0:0:0:0:0:ffff:192.0.2.1', '192.0.2.1', '192.0.2.1'],
  ['[::ffff:192.0.2.1]:8080', '192.0.2.1', '192.0.2.1'],
  ['2001:db8:0:1:aaaa:bbbb:cccc:dddd', '2001:db8:0:1:aaaa:bbbb:cccc:dddd', '2001:db8:0:1::/64'],
  ['2001:0DB8::1:0:0:0:1', '2001:0DB8::1:0:0:0:1', '2001:db8:0:1::/64'],
  ['[2001:db8::1]', '2001:db8::1', '2001:db8:0:0::/64'],
  ['[2001:db8::1]:443', '2001:db8::1', '2001:db8:0:0::/64'],
  ['[2001:db8::2]:444', '2001:db8::2', '2001:db8:0:0::/64'],
  ['::1', '::1', '0:0:0:0::/64'],
  ['64:ff9b::192.0.2.1', '64:ff9b::192.0.2.1', '64:ff9b:0:0::/64'],
  ['1::2:3:4:5:192.0.2.1', '1::2:3:4:5:192.0.2.1', '1:0:2:3::/64'],
  ['fe80::1%eth0', 'fe80::1', 'fe80:0:0:0::/64'],
  ['[fe80::1%eth0]:80', 'fe80::1', 'fe80:0:0:0::/64'],
])('%s is the address %s, and stands for %s', (text, address, key) => {
  expect(plainAddress(text)).toBe(address)
  expect(addressKey(address)).toBe(key)
})

it.each([
  'unknown',
  '',
  '_hidden',
  '192.0.2.1:',
  '192.0.2.1:http',
  '192.0.2.1:99999',
  '192.0.2.1:80:80',
  '192.0.2.01',
  '192.0.2',
  '[192.0.2.1]:80',
  '[2001:db8::1',
  '[2001:db8::1]x',
  '[2001:db8::1]:99999',
  '1:2:3:4:5:6:7:8::9',
  '1:2:3:4:5:6:7',
  '1::2::3',
  '1:2:3:4:5:6:7:256.0.2.1',
  '::12345',
  ':::',
  '1:2:3:4:5:6:7:8:',
  '192.0.2.1, 192.0.2.2',
  'x'.repeat(100),
])('%j is no address', (text) => {
  expect(plainAddress(text)).toBeUndefined()
})

it('agrees with Node about what an address is', () => {
  const part = fc.constantFrom('0', '1', 'ffff', 'abcde', '192.0.2.1', '256.1.1.1', ':', '::', '.', '25', '010', 'g')
  fc.assert(
    fc.property(fc.array(part, { maxLength: 18 }), (parts) => {
      const text = parts.join('')
      const hasPort = /^[\d.]+:\d+$/.test(text)
      fc.pre(!hasPort)
      expect(plainAddress(text) !== undefined).toBe(isIP(text) !== 0)
    }),
    { numRuns: 5_000 },
  )
})
