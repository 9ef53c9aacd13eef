import { expect, it } from 'vitest'
import { isPublicAddress } from './upstream-address.ts'

it.each(['8.8.8.8', '172.32.0.1', '2606:4700:4700::1111', '::ffff:8.8.8.8'])('%s is the internet’s', (address) => {
  expect(isPublicAddress(address)).toBe(true)
})

it.each([
  '10.1.2.3',
  '100.64.0.1',
  '127.0.0.1',
  '169.254.169.254',
  '172.31.255.255',
  '192.168.0.1',
  '::1',
  '::ffff:10.0.0.1',
  '64:ff9b::10.0.0.1',
  '2002:0a00:0001::1',
  'fd12:3456::1',
  'fe80::1%eth0',
  'localhost',
])('%s is not', (address) => {
  expect(isPublicAddress(address)).toBe(false)
})
