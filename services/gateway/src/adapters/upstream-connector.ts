import { lookup as systemLookup } from 'node:dns'
import { createEgressPolicy, type Lookup } from '@sluice/providers'
import { buildConnector } from 'undici'

export interface ConnectorOptions {
  /** Of making a connection, TLS included. */
  readonly timeoutMs: number
  /** Whether http is allowed to this machine itself. */
  readonly allowInsecureLoopback: boolean
  /** Finds a name's addresses; the system's way unless told. */
  readonly lookup?: Lookup
  /** Addresses that nothing may connect to; those that no upstream may have unless told. */
  readonly isForbidden?: (address: string) => boolean
}

/** Connects to upstreams, judging every address that it would connect to. */
export function upstreamConnector({
  timeoutMs,
  allowInsecureLoopback,
  lookup = systemLookup,
  isForbidden,
}: ConnectorOptions): buildConnector.connector {
  const gate = createEgressPolicy({ allowInsecureLoopback }, lookup, isForbidden)
  // One stream's back-pressure holds up no other where each has a connection of its own, which is HTTP/1.1.
  const common = { timeout: timeoutMs, allowH2: false }
  const secure = buildConnector({ ...common, lookup: gate.lookup('https:') })
  const insecure = buildConnector({ ...common, lookup: gate.lookup('http:') })

  return (target, callback) => {
    const fault = gate.fault(target.protocol, target.hostname)
    if (fault !== undefined) callback(fault, null)
    else if (target.protocol === 'https:') secure(target, callback)
    else insecure(target, callback)
  }
}
