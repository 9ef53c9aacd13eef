/**
 * What stands for whoever is at this address. Of IPv6 it is the first 64 bits, as one customer has all addresses that begin with
 * them (RFC 6177). What is no address, as a proxy may pass on anything, stands for itself, shortened.
 */
export function addressKey(address: string): string {
  const [text = ''] = address.slice(0, MAX_CHARS).split('%') // Without the zone of a link-local address.
  const [, mapped] = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(text) ?? []
  if (mapped !== undefined) return mapped
  return /^[0-9a-f]*:[0-9a-f:]*:[0-9a-f:.]*$/i.test(text) ? `${groups(text).slice(0, 4).join(':')}::/64` : text
}

/** The groups of an IPv6 address from the left, with those that `::` stands for; the last two may be one IPv4 address. */
function groups(address: string): string[] {
  const [head = '', tail] = address.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const present = left.length + right.length + (address.includes('.') ? 1 : 0)
  const missing = tail === undefined ? 0 : Math.max(0, 8 - present)
  const zeros = Array.from({ length: missing }, () => '0')
  return [...left, ...zeros, ...right].map((group) => group.replace(/^0+(?=.)/, '').toLowerCase())
}

/** The longest address has 45, and a zone. */
const MAX_CHARS = 64
