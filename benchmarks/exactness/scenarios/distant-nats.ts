import { setTimeout as sleep } from 'node:timers/promises'
import { startTcpProxy } from '../../shared/tcp-proxy.ts'
import type { ProofAccount } from '../accounts.ts'
import type { Scenario } from '../scenario.ts'
import { together, underDemand } from '../under-demand.ts'

const ROUND_TRIPS_MS = [80, 100, 150]
const DURATION_MS = 20_000
/** The share of requests that must be served: a distant bus costs capacity gradually. */
const LEAST_SERVED = 0.98

export const distantNats: Scenario = {
  name: 'distant-nats',
  about:
    `NATS is ${ROUND_TRIPS_MS.join(', ')} ms away (round trip) from gateways and capacity instances. Five requests a second, far below the limit, for ` +
    `${DURATION_MS / 1_000} s.`,
  run: async (print) =>
    together(await Promise.all(ROUND_TRIPS_MS.map((roundTripMs) => atDistance(roundTripMs, print)))),
}

async function atDistance(roundTripMs: number, print: (line: string) => void) {
  const name = `nats-${roundTripMs}-ms-away`
  const account: ProofAccount = {
    name,
    upstreamKey: `sk-${name}`,
    capacity: [{ period: 'minute', requests: 10_000 }],
  }
  return underDemand(
    {
      accounts: [account],
      perSecond: 5,
      demandBinds: false,
      plane: {
        capacityInstances: 2,
        startNatsRoute: async (natsPort) => {
          const proxy = await startTcpProxy({ targetPort: natsPort, delayMs: roundTripMs / 2 })
          return { capacity: proxy.port, gateway: proxy.port, stop: proxy.stop }
        },
      },
      during: () => sleep(DURATION_MS),
      afterwards: async (_plane, _simulator, { byStatus }) => {
        const requested = [...byStatus.values()].reduce((sum, count) => sum + count, 0)
        const served = byStatus.get(200) ?? 0
        const share = `${((served / requested) * 100).toFixed(1)} %`
        const text = `NATS ${roundTripMs} ms away: ${served} of ${requested} requests served (${share})`
        return [{ text, isAsPromised: served >= requested * LEAST_SERVED }]
      },
    },
    print,
  )
}
