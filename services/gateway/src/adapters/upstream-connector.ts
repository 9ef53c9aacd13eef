import { type LookupAddress, type LookupAllOptions, lookup as systemLookup } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { isForbiddenUpstreamAddress, isLoopbackAddress } from '@sluice/providers'
import { buildConnector } from 'undici'

/** The address that a connection's base URL leads to is one that no upstream may have. */
export class UpstreamAddressError extends Error {
  override readonly name = 'UpstreamAddressError'
  readonly code = 'upstream_address_refused'
}

export interface ConnectorOptions {
  /** Of making a connection, TLS included. */
  readonly timeoutMs: number
  /** Whether http is allowed to this machine itself. */
  readonly allowInsecureLoopback: boolean
  /** Finds a name's addresses; the system's way unless told. */
  readonly lookup?: Lookup
}

export type Lookup = (
  hostname: string,
  options: LookupAllOptions,
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void

/**
 * Connects to upstreams, judging every address that it would connect to: the base URL was judged when it was saved, but a
 * name may resolve to another address by now.
 */
export function upstreamConnector({
  timeoutMs,
  allowInsecureLoopback,
  lookup = systemLookup,
}: ConnectorOptions): buildConnector.connector {
  const isSecureTarget = (address: string) => !isForbiddenUpstreamAddress(address)
  const isInsecureTarget = (address: string) =>
    allowInsecureLoopback && isLoopbackAddress(address) && !isForbiddenUpstreamAddress(address)
  // One stream's back-pressure holds up no other where each has a connection of its own, which is HTTP/1.1.
  const common = { timeout: timeoutMs, allowH2: false }
  const secure = buildConnector({ ...common, lookup: lookupAllowed(lookup, isSecureTarget) })
  const insecure = buildConnector({ ...common, lookup: lookupAllowed(lookup, isInsecureTarget) })

  return (target, callback) => {
    const isSecure = target.protocol === 'https:'
    const isAllowed = isSecure ? isSecureTarget : isInsecureTarget
    // An address is not looked up.
    if (isIP(target.hostname) !== 0 && !isAllowed(target.hostname)) {
      callback(refused(target.hostname), null)
    } else if (isSecure) {
      secure(target, callback)
    } else {
      insecure(target, callback)
    }
  }
}

function lookupAllowed(lookup: Lookup, isAllowed: (address: string) => boolean): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      if (error !== null) return callback(error, '')
      const allowed = found.filter(({ address }) => isAllowed(address))
      const [first] = allowed
      if (first === undefined) callback(refused(hostname), '')
      else if (options.all === true) callback(null, allowed)
      else callback(null, first.address, first.family)
    })
  }
}

function refused(hostname: string): UpstreamAddressError {
  return new UpstreamAddressError(`${hostname} is not at an address that an upstream may have`)
}
