import { capacityStatus, type WindowStatus } from '@sluice/contracts'
import { request } from '@sluice/messaging'
import { createStarted } from '../shared/processes.ts'
import type { ProofAccount } from './accounts.ts'
import { type DataPlane, type DataPlaneOptions, startDataPlane } from './data-plane.ts'
import { type Demand, describeStatuses, startDemand } from './demand.ts'
import { judge } from './judge.ts'
import { watchUpstreams } from './observe.ts'
import type { Fact, ScenarioResult } from './scenario.ts'
import { type ProofSimulator, startProofSimulator } from './upstreams.ts'

export interface UnderDemandOptions {
  readonly accounts: readonly ProofAccount[]
  /** Requests a second to each account. */
  readonly perSecond: number
  readonly onCapacityUnavailable?: 'allow' | 'reject'
  readonly plane?: Omit<DataPlaneOptions, 'connections'>
  /** Whether demand exceeds every binding limit, and all of it should be used, from the first request until `during` ends. */
  readonly demandBinds: boolean
  /** What happens meanwhile. The demand ends with it. */
  during(plane: DataPlane, simulator: ProofSimulator): Promise<void>
  /** What is to be seen once the demand has ended, with everything still there. */
  afterwards?(plane: DataPlane, simulator: ProofSimulator, demand: Demand): Promise<readonly Fact[]>
}

/** Runs a data plane with the provider simulator under steady demand, and judges what left. */
export async function underDemand(
  options: UnderDemandOptions,
  print: (line: string) => void,
): Promise<ScenarioResult & { readonly facts: readonly Fact[] }> {
  const { accounts, perSecond, onCapacityUnavailable, demandBinds } = options
  const started = createStarted()
  try {
    const simulator = await started.add(startProofSimulator(accounts.map(({ upstreamKey }) => upstreamKey)))
    const plane = await started.add(
      startDataPlane({
        ...options.plane,
        connections: accounts.map(({ name, upstreamKey, capacity }) => ({
          name,
          upstreamKey,
          upstreamBaseUrl: simulator.openaiBaseUrl,
          capacity: [...capacity],
          ...(onCapacityUnavailable === undefined ? {} : { onCapacityUnavailable }),
        })),
      }),
    )
    const watch = await watchUpstreams([simulator], print)
    const fromMs = Date.now()
    const demands = accounts.map(({ name }) => startDemand({ ...plane, connection: name, perSecond }))
    await options.during(plane, simulator)
    const untilMs = Date.now()
    await Promise.all(demands.map((demand) => demand.stop()))
    for (const [index, demand] of demands.entries()) print(`${accounts[index]?.name}: ${describeStatuses([demand])}`)
    const [first] = demands
    const facts = first === undefined ? [] : ((await options.afterwards?.(plane, simulator, first)) ?? [])
    const observed = await watch.stop()
    const verdicts = accounts.flatMap((account) =>
      judge(account, observed.departuresOf(account.upstreamKey), demandBinds ? { demand: { fromMs, untilMs } } : {}),
    )
    return { judgedBy: observed.by, verdicts, facts }
  } finally {
    await started.stop()
  }
}

/** Puts the results of runs beside each other together. */
export function together(results: readonly ScenarioResult[]): ScenarioResult {
  return {
    judgedBy: results.every(({ judgedBy }) => judgedBy === 'wire') ? 'wire' : 'upstream',
    verdicts: results.flatMap(({ verdicts }) => verdicts),
    facts: results.flatMap(({ facts = [] }) => facts),
  }
}

/** How the account's first limit stands, by the capacity service. */
export async function windowOf({ bus }: DataPlane, account: ProofAccount): Promise<WindowStatus> {
  const { windows } = await request(bus, capacityStatus, [account.name], {})
  const [window] = windows
  if (window === undefined) throw new Error(`${account.name} has no limit`)
  return window
}
