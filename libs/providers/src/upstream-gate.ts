import type { LookupAddress, LookupAllOptions } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import type { BaseUrlRules } from './base-url.ts'
import { isForbiddenUpstreamAddress, isLoopbackAddress } from './upstream-address.ts'

/** The address that a connection's base URL leads to is one that no upstream may have. */
export class UpstreamAddressError extends Error {
  override readonly name = 'UpstreamAddressError'
  readonly code = 'upstream_address_refused'
}

/** Finds all of a name's addresses, as `lookup` of `node:dns` does. */
export type Lookup = (
  hostname: string,
  options: LookupAllOptions,
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void

/**
 * Judges where a connection to an upstream may go, when it is made: the base URL was judged when it was saved, but a name may
 * resolve to another address by now. Whoever connects asks for both, {@link fault} first.
 */
export interface EgressPolicy {
  /**
   * Why nothing may connect there, where `hostname` is an address (IPv6 without brackets), which is never looked up; a name is
   * let through. @param protocol `https:`, or `http:`, which is for this machine itself and only where that is allowed
   */
  fault(protocol: string, hostname: string): UpstreamAddressError | undefined
  /** The `lookup` of connections over this protocol: passes over the addresses that are not allowed, and fails where none is. */
  lookup(protocol: string): LookupFunction
}

/** @param isForbidden says which addresses nothing may connect to, whatever the protocol */
export function createEgressPolicy(
  { allowInsecureLoopback }: BaseUrlRules,
  lookup: Lookup,
  isForbidden: (address: string) => boolean = isForbiddenUpstreamAddress,
): EgressPolicy {
  const isAllowed = (protocol: string, address: string): boolean =>
    !isForbidden(address) && (protocol === 'https:' || (allowInsecureLoopback && isLoopbackAddress(address)))

  return {
    fault: (protocol, hostname) =>
      isIP(hostname) !== 0 && !isAllowed(protocol, hostname) ? refused(hostname) : undefined,
    lookup: (protocol) => (hostname, options, callback) => {
      lookup(hostname, { ...options, all: true }, (error, found) => {
        if (error !== null) return callback(error, '')
        const allowed = found.filter(({ address }) => isAllowed(protocol, address))
        const [first] = allowed
        if (first === undefined) callback(refused(hostname), '')
        else if (options.all === true) callback(null, allowed)
        else callback(null, first.address, first.family)
      })
    },
  }
}

function refused(hostname: string): UpstreamAddressError {
  return new UpstreamAddressError(`${hostname} is not at an address that an upstream may have`)
}
