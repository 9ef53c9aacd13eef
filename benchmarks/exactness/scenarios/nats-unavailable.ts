import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '@sluice/local'
import type { ProofAccount } from '../accounts.ts'
import type { Scenario, ScenarioResult } from '../scenario.ts'
import { together, underDemand, windowOf } from '../under-demand.ts'

const PER_SECOND = 10
const BEFORE_MS = 15_000
/** So that requests are under way when NATS goes. */
const LATENCY_MS = 1_000
/** Within which what happened meanwhile has to be in the counters. */
const SETTLED_WITHIN_MS = 15_000

export const natsAway: Scenario = {
  name: 'nats-away',
  about:
    `NATS is away (\`kill -9\`) for 150 s with \`onCapacityUnavailable: allow\`, and for 75 s with \`reject\`, at ${PER_SECOND} requests a second which take ` +
    `${LATENCY_MS / 1_000} s each. The capacity service’s count is compared with the provider’s, ${SETTLED_WITHIN_MS / 1_000} s after the last request at the latest.`,
  run: async (print) => together(await Promise.all([allowed(150_000, print), rejected(75_000, print)])),
}

/** Requests that left while nothing was counted have to be charged afterwards. */
function allowed(awayMs: number, print: (line: string) => void): Promise<ScenarioResult> {
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
      during: (plane, simulator) => whileAway(awayMs, plane.nats, simulator, 30_000, print),
      afterwards: async (plane, simulator) => {
        const sent = await simulator.countOf(account.upstreamKey)
        const used = await usedOnceSteady(sent, async () => (await windowOf(plane, account)).used)
        const text = `\`allow\`, ${awayMs / 1_000} s: ${sent - used} of ${sent} requests were never charged`
        return [{ text, isAsPromised: used >= sent }]
      },
    },
    print,
  )
}

/** Permits that were out when NATS went have to be settled once it is back. */
function rejected(awayMs: number, print: (line: string) => void): Promise<ScenarioResult> {
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
      // Soon: what a gateway never settles is forgotten with it, two minutes after it was last heard of.
      during: (plane, simulator) => whileAway(awayMs, plane.nats, simulator, 5_000, print),
      afterwards: async (plane) => {
        const reserved = await usedOnceSteady(0, async () => (await windowOf(plane, account)).reserved)
        const text = `\`reject\`, ${awayMs / 1_000} s: ${reserved} tokens are still reserved when no request is under way`
        return [{ text, isAsPromised: reserved === 0 }]
      },
    },
    print,
  )
}

async function whileAway(
  awayMs: number,
  nats: { kill(): Promise<void>; start(): Promise<void> },
  simulator: { setLatency(latencyMs: number): Promise<void> },
  afterMs: number,
  print: (line: string) => void,
): Promise<void> {
  await simulator.setLatency(LATENCY_MS)
  await sleep(BEFORE_MS)
  await nats.kill()
  print('NATS is away')
  await sleep(awayMs)
  await nats.start()
  print('NATS is back')
  await sleep(afterMs)
}

/** The figure as soon as it is as it should be, or the last one when the time is up. */
async function usedOnceSteady(wanted: number, read: () => Promise<number>): Promise<number> {
  const endsAtMs = performance.now() + SETTLED_WITHIN_MS
  return until('the count', read, (figure) => figure === wanted || performance.now() > endsAtMs, 2 * SETTLED_WITHIN_MS)
}
