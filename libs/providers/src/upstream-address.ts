import { BlockList, isIP } from 'node:net'

/**
 * Whether no upstream may be at this IP address: link-local addresses, the clouds' metadata services, and addresses that stand for
 * no host. Ask it of every address that a name resolves to, at each connect: a name may resolve to another one later. An IPv4
 * address inside an IPv6 one (mapped, NAT64, 6to4) counts as what it reaches. What is not an IP address is refused.
 */
export function isForbiddenUpstreamAddress(address: string): boolean {
  const found = ipAddress(address)
  return found === undefined || isIn(FORBIDDEN, found)
}

/**
 * Whether an IP address is globally reachable by IANA's registries, so that it belongs to no private network and not to this machine: for
 * addresses that applications choose, who are not to reach what the gateway can. Of IPv6, only global unicast addresses are, and those
 * that carry an IPv4 address which is (mapped, NAT64). 6to4 and Teredo are refused: what they reach is for a relay to decide.
 */
export function isPublicAddress(address: string): boolean {
  const found = ipAddress(address)
  if (found === undefined || isIn(FORBIDDEN, found)) return false
  if (isIn(NOT_GLOBAL, found)) return isIn(GLOBAL_NEVERTHELESS, found)
  return found.family === 'ipv4' || isIn(UNICAST, found)
}

/** Whether an IP address is this machine's own: 127.0.0.0/8 or ::1. */
export function isLoopbackAddress(address: string): boolean {
  const family = isIP(address)
  return family !== 0 && LOOPBACK.check(address, family === 4 ? 'ipv4' : 'ipv6')
}

/** Whether a host name is known to be a cloud's metadata service, whatever it resolves to. Lower case, no dot at the end. */
export function isMetadataHostname(hostname: string): boolean {
  return METADATA_HOSTNAMES.has(hostname)
}

/** AWS (also `instance-data.<region>.compute.internal`, which resolves to the address below), Google Cloud. */
const METADATA_HOSTNAMES: ReadonlySet<string> = new Set([
  'instance-data',
  'instance-data.ec2.internal',
  'metadata',
  'metadata.goog',
  'metadata.google.internal',
])

const FORBIDDEN = new BlockList()
// Link-local (RFC 3927): the metadata services of AWS, Azure, Google Cloud and most others are at 169.254.169.254.
addIpv4(FORBIDDEN, '169.254.0.0', 16)
FORBIDDEN.addSubnet('fe80::', 10, 'ipv6')
// Metadata services elsewhere: Alibaba Cloud, Azure's WireServer, Oracle Cloud.
addIpv4(FORBIDDEN, '100.100.100.200', 32)
addIpv4(FORBIDDEN, '168.63.129.16', 32)
addIpv4(FORBIDDEN, '192.0.0.192', 32)
// And over IPv6, with what else these ranges hold (credentials of pods and tasks, DNS, time): AWS, Google Cloud, Oracle Cloud.
FORBIDDEN.addSubnet('fd00:ec2::', 32, 'ipv6')
FORBIDDEN.addSubnet('fd20:ce::', 32, 'ipv6')
FORBIDDEN.addSubnet('fd00:c1::', 32, 'ipv6')
// "This network" (on Linux 0.0.0.0 reaches this machine itself), multicast, reserved and broadcast.
addIpv4(FORBIDDEN, '0.0.0.0', 8)
addIpv4(FORBIDDEN, '224.0.0.0', 3)
FORBIDDEN.addAddress('::', 'ipv6')
FORBIDDEN.addSubnet('ff00::', 8, 'ipv6')
// Discarded (RFC 6666), Teredo (RFC 4380), and IPv4-compatible addresses (RFC 4291, deprecated) but for ::1, which is among them.
FORBIDDEN.addSubnet('100::', 64, 'ipv6')
FORBIDDEN.addSubnet('2001::', 32, 'ipv6')
FORBIDDEN.addRange('::2', '::ffff:ffff', 'ipv6')

/**
 * What is not globally reachable, or not said to be, by the registries of special-purpose addresses, besides what is forbidden.
 * @see https://www.iana.org/assignments/iana-ipv4-special-registry, https://www.iana.org/assignments/iana-ipv6-special-registry
 */
const NOT_GLOBAL = new BlockList()
addIpv4(NOT_GLOBAL, '10.0.0.0', 8)
addIpv4(NOT_GLOBAL, '100.64.0.0', 10)
addIpv4(NOT_GLOBAL, '127.0.0.0', 8)
addIpv4(NOT_GLOBAL, '172.16.0.0', 12)
addIpv4(NOT_GLOBAL, '192.0.0.0', 24)
addIpv4(NOT_GLOBAL, '192.0.2.0', 24)
addIpv4(NOT_GLOBAL, '192.88.99.0', 24)
addIpv4(NOT_GLOBAL, '192.168.0.0', 16)
addIpv4(NOT_GLOBAL, '198.18.0.0', 15)
addIpv4(NOT_GLOBAL, '198.51.100.0', 24)
addIpv4(NOT_GLOBAL, '203.0.113.0', 24)
NOT_GLOBAL.addSubnet('2001::', 23, 'ipv6')
NOT_GLOBAL.addSubnet('2001:db8::', 32, 'ipv6')
NOT_GLOBAL.addSubnet('2002::', 16, 'ipv6')
NOT_GLOBAL.addSubnet('3fff::', 20, 'ipv6')

/** Assignments within these that are globally reachable. */
const GLOBAL_NEVERTHELESS = new BlockList()
addIpv4(GLOBAL_NEVERTHELESS, '192.0.0.9', 32)
addIpv4(GLOBAL_NEVERTHELESS, '192.0.0.10', 32)
GLOBAL_NEVERTHELESS.addRange('2001:1::1', '2001:1::3', 'ipv6')
GLOBAL_NEVERTHELESS.addSubnet('2001:3::', 32, 'ipv6')
GLOBAL_NEVERTHELESS.addSubnet('2001:4:112::', 48, 'ipv6')
GLOBAL_NEVERTHELESS.addSubnet('2001:20::', 28, 'ipv6')
GLOBAL_NEVERTHELESS.addSubnet('2001:30::', 28, 'ipv6')

/** Global unicast, and what carries IPv4: mapped, NAT64 (RFC 6052). */
const UNICAST = new BlockList()
UNICAST.addSubnet('2000::', 3, 'ipv6')
UNICAST.addSubnet('::ffff:0:0', 96, 'ipv6')
UNICAST.addSubnet('64:ff9b::', 96, 'ipv6')

const LOOPBACK = new BlockList()
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4')
LOOPBACK.addAddress('::1', 'ipv6')

interface IpAddress {
  readonly bare: string
  readonly family: 'ipv4' | 'ipv6'
}

/** Without the zone of a link-local address (fe80::1%eth0); undefined for what is no IP address. */
function ipAddress(address: string): IpAddress | undefined {
  const bare = address.replace(/%.*$/, '')
  const version = isIP(bare)
  return version === 0 ? undefined : { bare, family: version === 4 ? 'ipv4' : 'ipv6' }
}

function isIn(list: BlockList, { bare, family }: IpAddress): boolean {
  return list.check(bare, family)
}

/** Adds the range and the IPv6 ranges that carry it. Mapped addresses (`::ffff:0:0/96`) are checked by BlockList itself. */
function addIpv4(list: BlockList, network: string, prefix: number): void {
  list.addSubnet(network, prefix, 'ipv4')
  const [a = 0, b = 0, c = 0, d = 0] = network.split('.').map(Number)
  const high = ((a << 8) | b).toString(16)
  const low = ((c << 8) | d).toString(16)
  list.addSubnet(`64:ff9b::${high}:${low}`, 96 + prefix, 'ipv6') // NAT64 (RFC 6052)
  list.addSubnet(`64:ff9b:1::${high}:${low}`, 96 + prefix, 'ipv6') // NAT64 of a network's own (RFC 8215)
  list.addSubnet(`::ffff:0:${high}:${low}`, 96 + prefix, 'ipv6') // Translated (RFC 7915)
  list.addSubnet(`2002:${high}:${low}::`, 16 + prefix, 'ipv6') // 6to4 (RFC 3056)
}
