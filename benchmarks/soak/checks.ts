import { type CapacityStatus, capacityStatus } from '@sluice/contracts'
import { until } from '@sluice/local'
import { request } from '@sluice/messaging'
import { type Check, zeroCheck } from '../shared/checks.ts'
import { pidOf } from '../shared/processes.ts'
import type { Sluice } from '../shared/sluice.ts'
import { openSockets } from '../shared/sockets.ts'
import type { Callers } from './callers.ts'
import type { Ledger } from './ledger.ts'

/** Checks that the gateway has no open connections, after idle ones have timed out. */
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
  const open = await until('the sockets', async () => count(), isNone, KEPT_ALIVE_MS).catch(count)
  return [
    zeroCheck('connections of callers still open', open.callers),
    zeroCheck('connections to the provider still open', open.upstream),
  ]
}

/** Longer than the idle timeout of the simulator's connections. */
const KEPT_ALIVE_MS = 90_000

/** Checks that nothing stays reserved, and that the counters equal the sums of the settlements. */
export async function permitChecks({ bus, connectionId }: Sluice, ledger: Ledger): Promise<Check[]> {
  const status = () => request(bus, capacityStatus, [connectionId], {})
  const isSettled = ({ windows }: CapacityStatus) => windows.every(({ reserved }) => reserved === 0)
  const { windows } = await until('the settlements', status, isSettled).catch(status)
  const reserved = windows.reduce((sum, window) => sum + window.reserved, 0)
  const used = (metric: 'requests' | 'tokens') =>
    windows.find((window) => window.period === 'day' && window.metric === metric)?.used
  return [
    zeroCheck('requests and tokens still reserved', reserved),
    equal('requests used = requests settled', used('requests'), ledger.settledCost.requests),
    equal('tokens used = tokens settled', used('tokens'), ledger.settledCost.tokens),
    equal('requests settled = forwarded requests, by response events', ledger.settledCost.requests, ledger.sentEvents),
  ]
}

/**
 * Checks that each request is in one response event; one event may sum up several denied requests. A request that was
 * aborted before its response has at most one, as it may never have reached the gateway.
 */
export async function eventChecks(callers: Callers, ledger: Ledger, providerRequests: number): Promise<Check[]> {
  const missing = () => [...callers.respondedIds].filter((id) => !ledger.eventIds.has(id)).length
  const missingCount = await until(
    'the events',
    async () => missing(),
    (count) => count <= ledger.summedUp,
  ).catch(missing)
  const eventsWithoutResponse = [...ledger.eventIds].filter((id) => !callers.respondedIds.has(id)).length
  return [
    {
      what: 'responses without a response event of their own ≤ requests summed up in other events',
      found: `${missingCount.toLocaleString('en')} ≤ ${ledger.summedUp.toLocaleString('en')}`,
      holds: missingCount <= ledger.summedUp,
    },
    zeroCheck('repeated response events', ledger.repeatedEvents),
    {
      what: 'response events without a response ≤ requests without a response',
      found: `${eventsWithoutResponse.toLocaleString('en')} ≤ ${callers.unresponded.toLocaleString('en')}`,
      holds: eventsWithoutResponse <= callers.unresponded,
    },
    {
      what: 'requests that the provider received ≤ forwarded requests, by response events',
      found: `${providerRequests.toLocaleString('en')} ≤ ${ledger.sentEvents.toLocaleString('en')}`,
      holds: providerRequests <= ledger.sentEvents,
    },
  ]
}

function equal(what: string, left: number | undefined, right: number): Check {
  return { what, found: `${left?.toLocaleString('en')} = ${right.toLocaleString('en')}`, holds: left === right }
}
