/**
 * Rules about IP addresses and metadata host names: which ones no upstream may have, which ones belong to the public
 * internet, and which ones are this machine. All functions are pure, and fail closed: text that is not an IP address is
 * neither allowed nor public.
 */
import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

/**
 * Returns whether no upstream may be at this IP address: link-local addresses, the clouds' metadata services, and
 * addresses that name no host. Check every address that a name resolves to at each connect, since a name may resolve
 * differently later. An IPv4 address inside an IPv6 address (mapped, NAT64, 6to4) is judged as the IPv4 address.
 * Anything that is not an IP address is forbidden.
 */
export function isForbiddenUpstreamAddress(text: string): boolean {
  const address = parseAddress(text)
  return address === undefined || isForbidden(address)
}

/**
 * Returns whether an IP address is globally reachable by IANA's registries, and so belongs neither to a private network
 * nor to this machine. For addresses that applications choose, which must not reach what only the gateway can. Of IPv6,
 * only global unicast addresses count, and those that carry a public IPv4 address (mapped, NAT64). 6to4 and Teredo do
 * not: a relay decides what they reach.
 */
export function isPublicAddress(text: string): boolean {
  const address = parseAddress(text)
  return address !== undefined && isPublic(address)
}

/** Returns whether an IP address is this machine's own: 127.0.0.0/8 or ::1, also as an IPv4-mapped address. */
export function isLoopbackAddress(text: string): boolean {
  const address = parseAddress(text)
  if (address === undefined) return false
  const isMapped = address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress()
  return isIn(LOOPBACK, isMapped ? address.toIPv4Address() : address)
}

/**
 * Returns whether a host name belongs to a cloud's metadata service, whatever it resolves to.
 * @param hostname lower case, no final dot
 */
export function isMetadataHostname(hostname: string): boolean {
  return METADATA_HOSTNAMES.has(hostname)
}

/** AWS (also `instance-data.<region>.compute.internal`, which resolves to 169.254.169.254), Google Cloud. */
const METADATA_HOSTNAMES: ReadonlySet<string> = new Set([
  'instance-data',
  'instance-data.ec2.internal',
  'metadata',
  'metadata.goog',
  'metadata.google.internal',
])

type Address = ipaddr.IPv4 | ipaddr.IPv6
type Range = readonly [Address, number]

const LOOPBACK = ranges('127.0.0.0/8', '::1/128')

const FORBIDDEN = ranges(
  // Link-local (RFC 3927): the metadata services of AWS, Azure, Google Cloud and most others are at 169.254.169.254.
  '169.254.0.0/16',
  'fe80::/10',
  // Metadata services elsewhere: Alibaba Cloud, Azure's WireServer, Oracle Cloud.
  '100.100.100.200/32',
  '168.63.129.16/32',
  '192.0.0.192/32',
  // Over IPv6, with what else these ranges hold (credentials of pods and tasks, DNS, time): AWS, Google Cloud, Oracle
  // Cloud.
  'fd00:ec2::/32',
  'fd20:ce::/32',
  'fd00:c1::/32',
  // "This network" (on Linux 0.0.0.0 reaches this machine itself), multicast, reserved and broadcast.
  '0.0.0.0/8',
  '224.0.0.0/3',
  'ff00::/8',
  // Discard-only (RFC 6666), Teredo (RFC 4380).
  '100::/64',
  '2001::/32',
)

/** Unspecified, ::1, and IPv4-compatible addresses (RFC 4291, deprecated). */
const IPV4_COMPATIBLE = ranges('::/96')

/**
 * Ranges that are not globally reachable, besides the forbidden ones, by the registries of special-purpose addresses.
 * @see https://www.iana.org/assignments/iana-ipv4-special-registry
 * @see https://www.iana.org/assignments/iana-ipv6-special-registry
 */
const NOT_GLOBAL = ranges(
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '2001::/23',
  '2001:db8::/32',
  '2002::/16',
  '3fff::/20',
)

/** Assignments within {@link NOT_GLOBAL} that are globally reachable. */
const GLOBAL_EXCEPTIONS = ranges(
  '192.0.0.9/32',
  '192.0.0.10/32',
  '2001:1::1/128',
  '2001:1::2/128',
  '2001:1::3/128',
  '2001:3::/32',
  '2001:4:112::/48',
  '2001:20::/28',
  '2001:30::/28',
)

const GLOBAL_UNICAST = ranges('2000::/3')

/** Prefixes of IPv6 addresses that carry an IPv4 address, and the byte where it begins. */
const IPV4_CARRIERS: readonly { readonly range: Range; readonly offset: number; readonly isGlobal: boolean }[] = [
  { range: ipaddr.parseCIDR('::ffff:0:0/96'), offset: 12, isGlobal: true }, // IPv4-mapped (RFC 4291)
  { range: ipaddr.parseCIDR('64:ff9b::/96'), offset: 12, isGlobal: true }, // NAT64 (RFC 6052)
  { range: ipaddr.parseCIDR('64:ff9b:1::/96'), offset: 12, isGlobal: false }, // NAT64 of a network's own (RFC 8215)
  { range: ipaddr.parseCIDR('::ffff:0:0:0/96'), offset: 12, isGlobal: false }, // Translated (RFC 7915)
  { range: ipaddr.parseCIDR('2002::/16'), offset: 2, isGlobal: false }, // 6to4 (RFC 3056)
]

/**
 * Returns undefined for anything but an IP address. The zone of a link-local address (fe80::1%eth0) is allowed, as Node
 * allows it.
 */
function parseAddress(text: string): Address | undefined {
  // Node's check is stricter than ipaddr.js, which also reads octal, hexadecimal and shortened IPv4 addresses.
  if (isIP(text) === 0) return undefined
  const withoutZone = text.replace(/%.*$/, '')
  // ipaddr.js reads `::a.b.c.d` as the IPv4-mapped `::ffff:a.b.c.d`, which is another address: spell its last four
  // bytes in hexadecimal.
  const [, head, ipv4] = /^(.*:)([\d.]+\.\d+)$/.exec(withoutZone) ?? []
  if (head === undefined || ipv4 === undefined) return ipaddr.parse(withoutZone)
  return ipaddr.parse(head + Buffer.from(ipaddr.IPv4.parse(ipv4).toByteArray()).toString('hex').replace(/^.{4}/, '$&:'))
}

function isForbidden(address: Address): boolean {
  if (isIn(FORBIDDEN, address)) return true
  if (isIn(IPV4_COMPATIBLE, address)) return !isIn(LOOPBACK, address)
  const carried = carriedIpv4(address)
  return carried !== undefined && isForbidden(carried.ipv4)
}

function isPublic(address: Address): boolean {
  if (isForbidden(address)) return false
  const carried = carriedIpv4(address)
  if (carried !== undefined) return carried.isGlobal && isPublic(carried.ipv4)
  if (isIn(NOT_GLOBAL, address)) return isIn(GLOBAL_EXCEPTIONS, address)
  return address.kind() === 'ipv4' || isIn(GLOBAL_UNICAST, address)
}

function carriedIpv4(address: Address): { readonly ipv4: ipaddr.IPv4; readonly isGlobal: boolean } | undefined {
  const carrier = IPV4_CARRIERS.find(({ range }) => isIn([range], address))
  if (carrier === undefined) return undefined
  const bytes = address.toByteArray().slice(carrier.offset, carrier.offset + 4)
  return { ipv4: new ipaddr.IPv4(bytes), isGlobal: carrier.isGlobal }
}

function ranges(...cidrs: readonly string[]): Range[] {
  return cidrs.map((cidr) => ipaddr.parseCIDR(cidr))
}

function isIn(list: readonly Range[], address: Address): boolean {
  return list.some(([network, bits]) => network.kind() === address.kind() && address.match(network, bits))
}
