import { describe, expect, it } from 'vitest'
import { isForbiddenUpstreamAddress, isLoopbackAddress, isMetadataHostname, isPublicAddress } from './addresses.ts'

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
  ])('include %j', (address) => {
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
  ])('do not include %j', (address) => {
    expect(isForbiddenUpstreamAddress(address)).toBe(false)
  })
})

it('loopback addresses are those of this machine, also mapped to IPv6', () => {
  for (const address of ['127.0.0.1', '127.255.0.1', '::1', '::ffff:127.0.0.1']) {
    expect(isLoopbackAddress(address), address).toBe(true)
  }
  for (const address of ['128.0.0.1', '::2', 'localhost', '10.0.0.1']) {
    expect(isLoopbackAddress(address), address).toBe(false)
  }
})

it('metadata services are known by name', () => {
  expect(isMetadataHostname('metadata.google.internal')).toBe(true)
  expect(isMetadataHostname('api.openai.com')).toBe(false)
})

/** The entry is globally reachable; undefined where the registry says neither (N/A). */
type Row = readonly [prefix: string, length: number, isGlobal: boolean | undefined, name: string]

/** @see https://www.iana.org/assignments/iana-ipv4-special-registry */
const IPV4: readonly Row[] = [
  ['0.0.0.0', 8, false, '"This network"'],
  ['0.0.0.0', 32, false, '"This host on this network"'],
  ['10.0.0.0', 8, false, 'Private-Use'],
  ['100.64.0.0', 10, false, 'Shared Address Space'],
  ['127.0.0.0', 8, false, 'Loopback'],
  ['169.254.0.0', 16, false, 'Link Local'],
  ['172.16.0.0', 12, false, 'Private-Use'],
  ['192.0.0.0', 24, false, 'IETF Protocol Assignments'],
  ['192.0.0.0', 29, false, 'IPv4 Service Continuity Prefix'],
  ['192.0.0.8', 32, false, 'IPv4 dummy address'],
  ['192.0.0.9', 32, true, 'Port Control Protocol Anycast'],
  ['192.0.0.10', 32, true, 'Traversal Using Relays around NAT Anycast'],
  ['192.0.0.170', 32, false, 'NAT64/DNS64 Discovery'],
  ['192.0.0.171', 32, false, 'NAT64/DNS64 Discovery'],
  ['192.0.2.0', 24, false, 'Documentation (TEST-NET-1)'],
  ['192.31.196.0', 24, true, 'AS112-v4'],
  ['192.52.193.0', 24, true, 'AMT'],
  ['192.88.99.0', 24, undefined, 'Deprecated (6to4 Relay Anycast)'],
  ['192.168.0.0', 16, false, 'Private-Use'],
  ['192.175.48.0', 24, true, 'Direct Delegation AS112 Service'],
  ['198.18.0.0', 15, false, 'Benchmarking'],
  ['198.51.100.0', 24, false, 'Documentation (TEST-NET-2)'],
  ['203.0.113.0', 24, false, 'Documentation (TEST-NET-3)'],
  ['240.0.0.0', 4, false, 'Reserved'],
  ['255.255.255.255', 32, false, 'Limited Broadcast'],
]

/** @see https://www.iana.org/assignments/iana-ipv6-special-registry */
const IPV6: readonly Row[] = [
  ['::1', 128, false, 'Loopback Address'],
  ['::', 128, false, 'Unspecified Address'],
  ['64:ff9b:1::', 48, false, 'IPv4-IPv6 Translation'],
  ['100::', 64, false, 'Discard-Only Address Block'],
  ['100:0:0:1::', 64, false, 'Dummy IPv6 Prefix'],
  ['2001::', 23, false, 'IETF Protocol Assignments'],
  ['2001::', 32, undefined, 'TEREDO'],
  ['2001:1::1', 128, true, 'Port Control Protocol Anycast'],
  ['2001:1::2', 128, true, 'Traversal Using Relays around NAT Anycast'],
  ['2001:1::3', 128, true, 'DNS-SD Service Registration Protocol Anycast'],
  ['2001:2::', 48, false, 'Benchmarking'],
  ['2001:3::', 32, true, 'AMT'],
  ['2001:4:112::', 48, true, 'AS112-v6'],
  ['2001:10::', 28, undefined, 'Deprecated (previously ORCHID)'],
  ['2001:20::', 28, true, 'ORCHIDv2'],
  ['2001:30::', 28, true, 'Drone Remote ID Protocol Entity Tags (DETs) Prefix'],
  ['2001:db8::', 32, false, 'Documentation'],
  ['2002::', 16, undefined, '6to4'],
  ['2620:4f:8000::', 48, true, 'Direct Delegation AS112 Service'],
  ['3fff::', 20, false, 'Documentation'],
  ['5f00::', 16, false, 'Segment Routing (SRv6) SIDs'],
  ['fc00::', 7, false, 'Unique-Local'],
  ['fe80::', 10, false, 'Link-Local Unicast'],
]

/** The two that carry IPv4 addresses, by which they are judged: IPv4-mapped addresses, IPv4-IPv6 translation. */
const CARRIERS = ['::ffff:', '64:ff9b::']

const bits = { 4: 32n, 6: 128n } as const
type Version = keyof typeof bits

function numberOf(address: string): bigint {
  if (!address.includes(':')) return address.split('.').reduce((sum, byte) => sum * 256n + BigInt(byte), 0n)
  const [head = '', tail = ''] = address.split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === '' ? [] : tail.split(':')
  const groups = [...before, ...Array.from({ length: 8 - before.length - after.length }, () => '0'), ...after]
  return groups.reduce((sum, group) => sum * 65_536n + BigInt(`0x${group}`), 0n)
}

function addressOf(value: bigint, version: Version): string {
  const [count, width] = version === 4 ? [4, 8n] : [8, 16n]
  const parts = Array.from(
    { length: count },
    (_, index) => (value >> (width * BigInt(count - 1 - index))) & ((1n << width) - 1n),
  )
  return version === 4 ? parts.join('.') : parts.map((part) => part.toString(16)).join(':')
}

/**
 * The registries' rule: the longest prefix decides; elsewhere IPv4 but for multicast, and IPv6's global unicast, is
 * global.
 */
function isGlobal(value: bigint, version: Version): boolean {
  const matching = (version === 4 ? IPV4 : IPV6)
    .filter(
      ([prefix, length]) =>
        value >> (bits[version] - BigInt(length)) === numberOf(prefix) >> (bits[version] - BigInt(length)),
    )
    .sort(([, one], [, other]) => other - one)[0]
  if (matching !== undefined) return matching[2] === true
  return version === 4 ? value >> 28n !== 0xen : value >> 125n === 1n
}

/** Of a range: both ends, the middle, and what lies just outside. */
function probes([prefix, length]: Row, version: Version): bigint[] {
  const first = numberOf(prefix)
  const size = 1n << (bits[version] - BigInt(length))
  const all = [first - 1n, first, first + size / 2n, first + size - 1n, first + size]
  return all.filter((value) => value >= 0n && value < 1n << bits[version])
}

describe.each<[Version, readonly Row[]]>([
  [4, IPV4],
  [6, IPV6],
])('in the registry of IPv%i', (version, rows) => {
  it.each(rows)('%s/%i is public or not as the registry says: %s, %s', (...row) => {
    for (const value of probes(row, version)) {
      const address = addressOf(value, version)
      expect(isPublicAddress(address), address).toBe(isGlobal(value, version))
    }
  })
})

it.each(IPV4)('%s/%i is judged alike when carried in IPv6', (...row) => {
  for (const value of probes(row, 4)) {
    for (const carrier of CARRIERS) {
      const address = carrier + addressOf(value, 4)
      expect(isPublicAddress(address), address).toBe(isGlobal(value, 4))
    }
  }
})

it.each(['8.8.8.8', '172.32.0.1', '2606:4700:4700::1111', '::ffff:8.8.8.8', '64:ff9b::808:808'])(
  '%s is public',
  (address) => {
    expect(isPublicAddress(address)).toBe(true)
  },
)

it.each([
  '168.63.129.16', // Azure's WireServer, among addresses that are global
  '224.0.0.1',
  '::8.8.8.8',
  '::ffff:0:8.8.8.8',
  '64:ff9b:1::8.8.8.8',
  '2002:808:808::1',
  '2002:0a00:0001::1',
  // Public as IPv4, but translated by a network of its own, or by a relay.
  '64:ff9b:1::192.0.0.9',
  '::ffff:0:192.0.0.9',
  '2002:c000:9::1',
  '2001:0:4136:e378:8000:63bf:3fff:fdd2',
  'fec0::1',
  'fd12:3456::1',
  'fd00:ec2::254',
  'fe80::1%eth0',
  'ff02::1',
  '4000::1',
  '1fff::1',
  'localhost',
])('%s is not public', (address) => {
  expect(isPublicAddress(address)).toBe(false)
})
