import type { FastifyRequest } from 'fastify'

/**
 * Returns the address in `text` without a port, zone, or brackets, as proxies write them into `X-Forwarded-For`: an IPv4 address for one
 * that is mapped into IPv6. Undefined where it is no address.
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
 * Returns what stands for whoever is at a plain address. Of IPv6 it is the first 64 bits, as one customer has all addresses that begin with
 * them (RFC 6177).
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

/** The eight groups of an IPv6 address from the left, in lower case and without leading zeros; undefined where it is none (RFC 4291, 2.2). */
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

/** The two groups that an IPv4 address at the end stands for. */
function hexadecimalOf(ipv4: string | undefined): string {
  if (ipv4 === undefined) return ''
  const [a = 0, b = 0, c = 0, d = 0] = ipv4.split('.').map(Number)
  return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`
}

const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/
const GROUP = /^[0-9a-f]{1,4}$/i
/** The longest address has 45, with brackets, a zone and a port besides. */
const MAX_CHARS = 80

/**
 * Returns the address that a request comes from. What a trusted proxy passes on and is no address counts for nothing: then it is the
 * proxy's own.
 */
export function clientAddress({ ip, socket }: Pick<FastifyRequest, 'ip' | 'socket'>): string {
  return plainAddress(ip) ?? plainAddress(socket.remoteAddress ?? '') ?? GONE
}

/** For whoever has gone before it was known. */
const GONE = 'unknown'
