import { describe, expect, it } from 'vitest'
import { isForbiddenUpstreamAddress, isLoopbackAddress, isMetadataHostname } from './upstream-address.ts'

describe('forbidden upstream addresses', () => {
  it.each([
    '169.254.169.254',
    '169.254.0.0',
    '169.254.255.255',
    'fe80::1',
    'fe80::1%eth0',
    'febf:ffff::1',
    'fd00:ec2::254',
    'fd00:ec2::253',
    'fd00:ec2::23',
    'fd00:ec2:ffff:ffff:ffff:ffff:ffff:ffff',
    'fd20:ce::254',
    'fd20:ce:0:1::',
    'fd00:c1::a9fe:a9fe',
    '::169.254.169.254',
    '::10.0.0.1',
    '::2',
    '100::1',
    '2001:0:4136:e378:8000:63bf:3fff:fdd2',
    '100.100.100.200',
    '168.63.129.16',
    '192.0.0.192',
    '0.0.0.0',
    '::',
    '255.255.255.255',
    '239.1.1.1',
    'ff02::1',
    '::ffff:169.254.169.254',
    '::ffff:a9fe:a9fe',
    '64:ff9b::169.254.169.254',
    '64:ff9b:1::169.254.169.254',
    '::ffff:0:169.254.169.254',
    '2002:a9fe:a9fe::1',
    'example.com',
    '',
  ])('refuses %j', (address) => {
    expect(isForbiddenUpstreamAddress(address)).toBe(true)
  })

  it.each([
    '104.18.7.192',
    '169.253.255.255',
    '169.255.0.0',
    '10.0.0.1',
    '127.0.0.1',
    '::1',
    '2606:4700::6812:7c0',
    'fd00:ec1:ffff::1',
    'fd00:ec3::1',
    'fd00::1',
    'fd12:3456:789a::1',
    'fec0::1',
    '192.168.1.1',
    '172.16.0.1',
    '100.64.0.1',
    '::ffff:8.8.8.8',
    '64:ff9b::8.8.8.8',
    '64:ff9b:1::8.8.8.8',
  ])('allows %j', (address) => {
    expect(isForbiddenUpstreamAddress(address)).toBe(false)
  })
})

it('knows this machine', () => {
  for (const address of ['127.0.0.1', '127.255.0.1', '::1', '::ffff:127.0.0.1']) {
    expect(isLoopbackAddress(address), address).toBe(true)
  }
  for (const address of ['128.0.0.1', '::2', 'localhost', '10.0.0.1']) {
    expect(isLoopbackAddress(address), address).toBe(false)
  }
})

it('knows the metadata services by name', () => {
  expect(isMetadataHostname('metadata.google.internal')).toBe(true)
  expect(isMetadataHostname('api.openai.com')).toBe(false)
})
