/** Rules for a connection's base URL, checked when it is saved and again when it is used. */
import { isIP } from 'node:net'
import { isForbiddenUpstreamAddress, isLoopbackAddress, isMetadataHostname } from './addresses.ts'

export interface BaseUrlRules {
  /** Allows http to this machine's own addresses. */
  readonly allowInsecureLoopback: boolean
}

/**
 * Returns what is wrong with `text` as a connection's base URL, or undefined. A base URL is https, or http to loopback
 * where that is allowed; has no user, query or fragment; and does not lead to a forbidden address. Names are not
 * resolved here: the egress policy checks their addresses at each connect.
 */
export function baseUrlFault(text: string, rules: BaseUrlRules): string | undefined {
  // The URL parser drops some white space and escapes the rest, so that requests would go elsewhere than the text says.
  if (WHITE_SPACE.test(text)) return 'must hold no white space: take it out'
  const url = URL.parse(text)
  if (url === null) return 'is not an absolute URL'
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'must be an https URL'
  // The URL parser drops empty parts, so the text itself is checked too.
  if (/[?#]/.test(text)) return 'must have no query and no fragment'
  if (url.username !== '' || url.password !== '' || text.includes('@')) return 'must hold no user and no password'
  const hostname = url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '')
  if (isIP(hostname) === 0 ? isMetadataHostname(hostname) : isForbiddenUpstreamAddress(hostname)) {
    return 'must not be a link-local or metadata address'
  }
  if (url.protocol === 'https:') return undefined
  if (!rules.allowInsecureLoopback) return 'must be an https URL'
  return isLoopback(hostname) ? undefined : 'must be an https URL: http is for loopback only'
}

const WHITE_SPACE = /[\s\p{Cc}\u200b\ufeff]|%(?:20|09|0[ad])/iu

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname.endsWith('.localhost') || isLoopbackAddress(hostname)
}
