/**
 * HTTP clients that enforce an egress policy at each connect: for undici, for SDKs that take a `fetch`, and for SDKs
 * that take Node's agents. Each is an object of its own; nothing in the process is replaced.
 */
import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { Socket } from 'node:net'
import { Agent, buildConnector, type RequestInit, fetch as undiciFetch } from 'undici'
import type { EgressPolicy } from './egress-policy.ts'

/**
 * Returns the `connect` of undici's clients that enforces `policy`. HTTP/1.1 only: each stream has its own connection,
 * so that one stream's back-pressure delays no other.
 * @param timeoutMs for making a connection, TLS included; undici's own limit by default
 */
export function egressConnector(policy: EgressPolicy, timeoutMs?: number): buildConnector.connector {
  const common = { allowH2: false, ...(timeoutMs === undefined ? {} : { timeout: timeoutMs }) }
  const secure = buildConnector({ ...common, lookup: policy.lookup('https:') })
  const insecure = buildConnector({ ...common, lookup: policy.lookup('http:') })

  return (target, callback) => {
    const fault = policy.fault(target.protocol, target.hostname)
    if (fault !== undefined) callback(fault, null)
    else if (target.protocol === 'https:') secure(target, callback)
    else insecure(target, callback)
  }
}

export interface EgressFetch {
  /**
   * Takes URLs alone, no `Request`. Rejects instead of following a redirect, and if a response body exceeds the limit.
   */
  readonly fetch: typeof globalThis.fetch
  /** Aborts its requests and closes its connections. */
  destroy(): Promise<void>
}

/** Creates a `fetch` that enforces `policy`. @param maxResponseBytes of a response body */
export function createEgressFetch(policy: EgressPolicy, maxResponseBytes: number): EgressFetch {
  const dispatcher = new Agent({ maxResponseSize: maxResponseBytes, connect: egressConnector(policy) })
  return {
    // undici's own fetch: the global one belongs to Node's copy of undici, which may not take this version's agent.
    fetch: async (input, init) => {
      if (input instanceof Request) throw new TypeError('This fetch takes a URL, not a Request.')
      // The same type but for what Node's and undici's declarations say of FormData.
      const options = init as RequestInit | undefined
      return undiciFetch(input, { ...options, dispatcher, redirect: 'error' })
    },
    destroy: () => dispatcher.destroy(),
  }
}

/** Creates the agents of `node:http` and `node:https` that enforce `policy`. */
export function createEgressAgents(policy: EgressPolicy): { readonly http: HttpAgent; readonly https: HttpsAgent } {
  return {
    http: enforce(policy, 'http:', new HttpAgent({ lookup: policy.lookup('http:') })),
    https: enforce(policy, 'https:', new HttpsAgent({ lookup: policy.lookup('https:') })),
  }
}

/** Has an agent refuse IP addresses, which it does not look up. */
function enforce<A extends HttpAgent>(policy: EgressPolicy, protocol: string, agent: A): A {
  const connect = agent.createConnection.bind(agent)
  agent.createConnection = (options, callback) => {
    const fault = policy.fault(protocol, (options.host ?? 'localhost').replace(/^\[|\]$/g, ''))
    if (fault === undefined) return connect(options, callback)
    callback?.(fault, new Socket())
    return undefined
  }
  return agent
}
