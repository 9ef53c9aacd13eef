import { type CapacityStatus, capacityStatus } from '@sluice/contracts'
import { until } from '@sluice/local'
import { request } from '@sluice/messaging'
import { pidOf } from '../shared/service-process.ts'
import type { Sluice } from '../shared/sluice.ts'
import type { Callers } from './callers.ts'
import type { Ledger } from './ledger.ts'
import { growthBytes, type MemorySample } from './memory.ts'
import { openSockets } from './sockets.ts'

/** One thing that must hold after the soak. */
export interface Check {
  readonly what: string
  readonly found: string
  readonly holds: boolean
}

/** What the gateway may hold more at the end of the second half than at its beginning, by the line nearest to all samples. */
const MAX_HELD_GROWTH_BYTES = 4 * 1024 ** 2
/** The allocator keeps some of what it had, and gives it back when it likes. */
const MAX_RSS_GROWTH_BYTES = 32 * 1024 ** 2

export function memoryChecks(samples: readonly MemorySample[]): Check[] {
  const check = (what: string, bytesOf: (sample: MemorySample) => number, most: number): Check => {
    const growth = growthBytes(samples, bytesOf)
    const levels = [samples.at(Math.floor(samples.length / 2)), samples.at(-1)].map(
      (sample) => `${mebibytes(sample === undefined ? 0 : bytesOf(sample))}`,
    )
    return {
      what: `${what}, growth over the second half ≤ ${mebibytes(most)} MiB`,
      found: `${mebibytes(growth)} MiB (${levels.join(' → ')})`,
      holds: growth <= most,
    }
  }
  return [
    check('memory held after a collection', ({ heldBytes }) => heldBytes, MAX_HELD_GROWTH_BYTES),
    check('resident memory', ({ rssBytes }) => rssBytes, MAX_RSS_GROWTH_BYTES),
  ]
}

/** The gateway's connections, once those that are kept open for the next request have had their time. */
export async function socketChecks({ gateway, gatewayUrl }: Sluice, upstreamUrl: string): Promise<Check[]> {
  const gatewayPort = Number(new URL(gatewayUrl).port)
  const upstreamPort = Number(new URL(upstreamUrl).port)
  const count = () => {
    const sockets = openSockets(pidOf(gateway))
    return {
      callers: sockets.filter(({ localPort }) => localPort === gatewayPort).length,
      upstream: sockets.filter(({ remotePort }) => remotePort === upstreamPort).length,
    }
  }
  const isNone = ({ callers, upstream }: ReturnType<typeof count>) => callers === 0 && upstream === 0
  const left = await until('the sockets', async () => count(), isNone, KEPT_ALIVE_MS).catch(count)
  return [
    { what: 'connections of callers left open: 0', found: String(left.callers), holds: left.callers === 0 },
    { what: 'connections to the provider left open: 0', found: String(left.upstream), holds: left.upstream === 0 },
  ]
}

/** Longer than the simulator asks its callers to keep a connection that is idle. */
const KEPT_ALIVE_MS = 90_000

/** Nothing stays reserved, and the counters say what the settlements said. */
export async function permitChecks({ bus, connectionId }: Sluice, ledger: Ledger): Promise<Check[]> {
  const ask = () => request(bus, capacityStatus, [connectionId], {})
  const isSettled = ({ windows }: CapacityStatus) => windows.every(({ reserved }) => reserved === 0)
  const { windows } = await until('the settlements', ask, isSettled).catch(ask)
  const reserved = windows.reduce((sum, window) => sum + window.reserved, 0)
  const used = (metric: 'requests' | 'tokens') =>
    windows.find((window) => window.period === 'day' && window.metric === metric)?.used
  return [
    { what: 'requests and tokens still reserved: 0', found: String(reserved), holds: reserved === 0 },
    equal('requests used = requests settled', used('requests'), ledger.settledCost.requests),
    equal('tokens used = tokens settled', used('tokens'), ledger.settledCost.tokens),
    equal('requests settled = requests sent on, by response events', ledger.settledCost.requests, ledger.sentEvents),
  ]
}

/** Each request is in one response event, those that are refused several in one; one that was given up before its answer has one at most, as it may never have arrived. */
export async function eventChecks(callers: Callers, ledger: Ledger, providerRequests: number): Promise<Check[]> {
  const missing = () => [...callers.respondedIds].filter((id) => !ledger.eventIds.has(id)).length
  const left = await until(
    'the events',
    async () => missing(),
    (count) => count <= ledger.addedUp,
  ).catch(missing)
  const unheard = [...ledger.eventIds].filter((id) => !callers.respondedIds.has(id)).length
  return [
    {
      what: 'answers without a response event of their own ≤ requests that others add up',
      found: `${left.toLocaleString('en')} ≤ ${ledger.addedUp.toLocaleString('en')}`,
      holds: left <= ledger.addedUp,
    },
    {
      what: 'response events for one request twice: 0',
      found: String(ledger.repeatedEvents),
      holds: ledger.repeatedEvents === 0,
    },
    {
      what: 'response events without an answer ≤ requests without one',
      found: `${unheard.toLocaleString('en')} ≤ ${callers.unresponded.toLocaleString('en')}`,
      holds: unheard <= callers.unresponded,
    },
    {
      what: 'requests that the provider saw ≤ requests sent on, by response events',
      found: `${providerRequests.toLocaleString('en')} ≤ ${ledger.sentEvents.toLocaleString('en')}`,
      holds: providerRequests <= ledger.sentEvents,
    },
  ]
}

function equal(what: string, left: number | undefined, right: number): Check {
  return { what, found: `${left?.toLocaleString('en')} = ${right.toLocaleString('en')}`, holds: left === right }
}

function mebibytes(bytes: number): string {
  return (bytes / 1024 ** 2).toFixed(1)
}
