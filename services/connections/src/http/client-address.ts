import type { FastifyRequest } from 'fastify'

/**
 * Returns the address that a request comes from. When a trusted proxy forwards a value that is not an address, it is
 * the proxy's own.
 */
export function clientAddress({ ip, socket: { remoteAddress } }: Pick<FastifyRequest, 'ip' | 'socket'>): string {
  return plainAddress(ip) ?? (remoteAddress === undefined ? undefined : plainAddress(remoteAddress)) ?? UNKNOWN
}

/** The client disconnected before its address was read. */
const UNKNOWN = 'unknown'

/**
 * Returns the address in `text` without the port, zone and brackets that proxies write into `X-Forwarded-For`; of an
 * IPv4-mapped IPv6 address the IPv4 address. Returns undefined when it is not an address.
 */
export function plainAddress(text: string): string | undefined {
  if (text.length > MAX_CHARS) return undefined
  const [, bracketed, port] = /^\[([^\]]*)\](?::(\d{1,5}))?$/.exec(text) ?? []
  if (bracketed !== undefined) return isPort(port) ? plainIPv6(bracketed) : undefined
  const [, address = text, ipv4Port] = /^([\d.]+):(\d{1,5})$/.exec(text) ?? []
  if (IPV4.test(address)) return isPort(ipv4Port) ? address : undefined
  return plainIPv6(text)
}

/**
 * Returns the key under which a plain address is counted. Of an IPv6 address it is the first 64 bits, as all addresses
 * that start with them belong to one customer (RFC 6177).
 */
export function addressKey(address: string): string {
  const groups = groupsOf(address)
  return groups === undefined ? address : `${groups.slice(0, 4).join(':')}::/64`
}

function plainIPv6(text: string): string | undefined {
  const [address = ''] = text.split('%') // Without the zone of a link-local address.
  const groups = groupsOf(address)
  if (groups === undefined) return undefined
  // RFC 4291, 2.5.5.2.
  const isMapped = groups.slice(0, 5).every((group) => group === '0') && groups[5] === 'ffff'
  if (!isMapped) return address
  const bytes = groups.slice(6).flatMap((group) => {
    const value = Number.parseInt(group, 16)
    return [value >> 8, value & 0xff]
  })
  return bytes.join('.')
}

function isPort(text: string | undefined): boolean {
  return text === undefined || Number(text) <= 65_535
}

/**
 * Returns the eight groups of an IPv6 address, in lower case and without leading zeros; undefined when it is not one
 * (RFC 4291, 2.2).
 */
function groupsOf(address: string): string[] | undefined {
  const [start = '', ipv4] = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(address)?.slice(1) ?? [address]
  if (ipv4 !== undefined && !IPV4.test(ipv4)) return undefined
  const [head = '', tail, ...more] = (start + hexadecimalOf(ipv4)).split('::')
  if (more.length > 0) return undefined
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const missing = 8 - left.length - right.length
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined
  if (![...left, ...right].every((group) => GROUP.test(group))) return undefined
  const zeros = Array.from({ length: missing }, () => '0')
  return [...left, ...zeros, ...right].map((group) => group.replace(/^0+(?=.)/, '').toLowerCase())
}

/** Returns the two groups of an IPv4 address at the end of an IPv6 address. */
function hexadecimalOf(ipv4: string | undefined): string {
  if (ipv4 === undefined) return ''
  const [a = 0, b = 0, c = 0, d = 0] = ipv4.split('.').map(Number)
  return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`
}

const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/
const GROUP = /^[0-9a-f]{1,4}$/i
/** The longest address has 45, without brackets, zone and port. */
const MAX_CHARS = 80
