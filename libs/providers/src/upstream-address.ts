import { BlockList, isIP } from 'node:net'

/**
 * Whether no upstream may be at this IP address: link-local addresses, the clouds' metadata services, and addresses that stand for
 * no host. Ask it of every address that a name resolves to, at each connect: a name may resolve to another one later. An IPv4
 * address inside an IPv6 one (mapped, NAT64, 6to4) counts as what it reaches. What is not an IP address is refused.
 */
export function isForbiddenUpstreamAddress(address: string): boolean {
  const bare = address.replace(/%.*$/, '') // The zone of a link-local address: fe80::1%eth0
  const family = isIP(bare)
  if (family === 0) return true
  return FORBIDDEN.check(bare, family === 4 ? 'ipv4' : 'ipv6')
}

/**
 * Whether an IP address is one of the internet's, and none of a private network or of this machine: for addresses that applications
 * choose, who are not to reach what the gateway can.
 */
export function isPublicAddress(address: string): boolean {
  return !isForbiddenUpstreamAddress(address) && !PRIVATE.check(address, isIP(address) === 4 ? 'ipv4' : 'ipv6')
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
// Metadata services elsewhere: Alibaba Cloud, Azure's WireServer, Oracle Cloud; AWS and Google Cloud over IPv6.
addIpv4(FORBIDDEN, '100.100.100.200', 32)
addIpv4(FORBIDDEN, '168.63.129.16', 32)
addIpv4(FORBIDDEN, '192.0.0.192', 32)
FORBIDDEN.addAddress('fd00:ec2::254', 'ipv6')
FORBIDDEN.addAddress('fd20:ce::254', 'ipv6')
// "This network" (on Linux 0.0.0.0 reaches this machine itself), multicast, reserved and broadcast.
addIpv4(FORBIDDEN, '0.0.0.0', 8)
addIpv4(FORBIDDEN, '224.0.0.0', 3)
FORBIDDEN.addAddress('::', 'ipv6')
FORBIDDEN.addSubnet('ff00::', 8, 'ipv6')

/** @see RFC 6890, RFC 4193 */
const PRIVATE = new BlockList()
addIpv4(PRIVATE, '10.0.0.0', 8)
addIpv4(PRIVATE, '100.64.0.0', 10)
addIpv4(PRIVATE, '127.0.0.0', 8)
addIpv4(PRIVATE, '172.16.0.0', 12)
addIpv4(PRIVATE, '192.0.0.0', 24)
addIpv4(PRIVATE, '192.168.0.0', 16)
addIpv4(PRIVATE, '198.18.0.0', 15)
PRIVATE.addAddress('::1', 'ipv6')
PRIVATE.addSubnet('fc00::', 7, 'ipv6')

const LOOPBACK = new BlockList()
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4')
LOOPBACK.addAddress('::1', 'ipv6')

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
