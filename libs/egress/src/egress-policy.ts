/**
 * The egress policy: which addresses an upstream may have. A base URL is checked when it is saved (`base-url.ts`); since its host name may
 * resolve to another address later, the address is checked again whenever a socket to the upstream is opened.
 */
import { type LookupAddress, type LookupAllOptions, lookup as systemLookup } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { isForbiddenUpstreamAddress, isLoopbackAddress } from './addresses.ts'
import type { BaseUrlRules } from './base-url.ts'

/** The socket was not opened, since no upstream may have the address that its host name resolves to. */
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
 * The checks that an HTTP client makes (`egress-clients.ts`): `fault` before each connect, since only names are looked
 * up, and `lookup`.
 */
export interface EgressPolicy {
  /**
   * Returns why `hostname` must not be connected to, where it is an IP address (IPv6 without brackets); undefined for a
   * name.
   * @param protocol `https:`, or `http:`, which only loopback addresses may be reached by, and only where the rules
   * allow it
   */
  fault(protocol: string, hostname: string): UpstreamAddressError | undefined
  /**
   * Returns the `lookup` of connections over this protocol: it drops addresses that are not allowed, and fails if none
   * is left.
   */
  lookup(protocol: string): LookupFunction
}

export interface EgressPolicyOptions extends BaseUrlRules {
  /** Finds a name's addresses; the system's lookup by default. */
  readonly lookup?: Lookup | undefined
  /** Returns whether an address is forbidden, whatever the protocol; {@link isForbiddenUpstreamAddress} by default. */
  readonly isForbidden?: ((address: string) => boolean) | undefined
}

export function createEgressPolicy({
  allowInsecureLoopback,
  lookup = systemLookup,
  isForbidden = isForbiddenUpstreamAddress,
}: EgressPolicyOptions): EgressPolicy {
  const isAllowed = (protocol: string, address: string): boolean =>
    !isForbidden(address) && (protocol === 'https:' || (allowInsecureLoopback && isLoopbackAddress(address)))

  return {
    fault: (protocol, hostname) =>
      isIP(hostname) !== 0 && !isAllowed(protocol, hostname) ? refusal(hostname) : undefined,
    lookup: (protocol) => (hostname, options, callback) => {
      lookup(hostname, { ...options, all: true }, (error, found) => {
        if (error !== null) return callback(error, '')
        const allowed = found.filter(({ address }) => isAllowed(protocol, address))
        const [first] = allowed
        if (first === undefined) callback(refusal(hostname), '')
        else if (options.all === true) callback(null, allowed)
        else callback(null, first.address, first.family)
      })
    },
  }
}

function refusal(hostname: string): UpstreamAddressError {
  return new UpstreamAddressError(`${hostname} is not at an address that an upstream may have`)
}
