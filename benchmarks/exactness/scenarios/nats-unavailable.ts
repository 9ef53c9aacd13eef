import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '@sluice/local'
import type { ProofAccount } from '../accounts.ts'
import type { Scenario, ScenarioResult } from '../scenario.ts'
import { together, underDemand, windowOf } from '../under-demand.ts'

const PER_SECOND = 10
const BEFORE_MS = 15_000
/** Long enough that requests are in progress when NATS is killed. */
const LATENCY_MS = 1_000
/** The time after which the counters must include what happened during the outage. */
const SETTLED_WITHIN_MS = 15_000

export const natsUnavailable: Scenario = {
  name: 'nats-unavailable',
  about:
    `NATS is down (\`kill -9\`) for 150 s with \`onCapacityUnavailable: allow\`, and for 75 s with \`reject\`, at ${PER_SECOND} requests a second that take ` +
    `${LATENCY_MS / 1_000} s each. The count of the capacity service is compared with the provider’s, at most ${SETTLED_WITHIN_MS / 1_000} s after the last request.`,
  run: async (print) => together(await Promise.all([allowed(150_000, print), rejected(75_000, print)])),
}

/** Requests sent while nothing was counted must be charged afterwards. */
function allowed(outageMs: number, print: (line: string) => void): Promise<ScenarioResult> {
  const account: ProofAccount = {
    name: 'away-allow',
    upstreamKey: 'sk-away-allow',
    capacity: [{ period: 'hour', requests: 1_000_000 }],
  }
  return underDemand(
    {
      accounts: [account],
      perSecond: PER_SECOND,
      onCapacityUnavailable: 'allow',
      plane: { capacityInstances: 2 },
      demandBinds: false,
      during: (plane, simulator) => duringOutage(outageMs, plane.nats, simulator, 30_000, print),
      afterwards: async (plane, simulator) => {
        const sent = await simulator.countOf(account.upstreamKey)
        const used = await countOnceExpected(sent, async () => (await windowOf(plane, account)).used)
        const text = `\`allow\`, ${outageMs / 1_000} s: ${sent - used} of ${sent} requests were never charged`
        return [{ text, isAsPromised: used >= sent }]
      },
    },
    print,
  )
}

/** Permits that were in use when NATS was killed must be settled after it is back. */
function rejected(outageMs: number, print: (line: string) => void): Promise<ScenarioResult> {
  const account: ProofAccount = {
    name: 'away-reject',
    upstreamKey: 'sk-away-reject',
    capacity: [{ period: 'hour', tokens: 1_000_000_000 }],
  }
  return underDemand(
    {
      accounts: [account],
      perSecond: PER_SECOND,
      plane: { capacityInstances: 2 },
      demandBinds: false,
      // Check soon: two minutes after a gateway was last seen, its unsettled permits are dropped with its session.
      during: (plane, simulator) => duringOutage(outageMs, plane.nats, simulator, 5_000, print),
      afterwards: async (plane) => {
        const reserved = await countOnceExpected(0, async () => (await windowOf(plane, account)).reserved)
        const text = `\`reject\`, ${outageMs / 1_000} s: ${reserved} tokens are still reserved when no request is in progress`
        return [{ text, isAsPromised: reserved === 0 }]
      },
    },
    print,
  )
}

async function duringOutage(
  outageMs: number,
  nats: { kill(): Promise<void>; start(): Promise<void> },
  simulator: { setLatency(latencyMs: number): Promise<void> },
  afterMs: number,
  print: (line: string) => void,
): Promise<void> {
  await simulator.setLatency(LATENCY_MS)
  await sleep(BEFORE_MS)
  await nats.kill()
  print('NATS is down')
  await sleep(outageMs)
  await nats.start()
  print('NATS is back')
  await sleep(afterMs)
}

/** Returns the count as soon as it is as expected, or the last count when the time is up. */
async function countOnceExpected(expected: number, read: () => Promise<number>): Promise<number> {
  const endsAtMs = performance.now() + SETTLED_WITHIN_MS
  return until('the count', read, (count) => count === expected || performance.now() > endsAtMs, 2 * SETTLED_WITHIN_MS)
}
