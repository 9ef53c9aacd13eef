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
  /** Requests per second to each account. */
  readonly perSecond: number
  readonly onCapacityUnavailable?: 'allow' | 'reject'
  readonly plane?: Omit<DataPlaneOptions, 'connections'>
  /**
   * True if demand exceeds every binding limit from the first request until `during` ends, so that all of it should be
   * used.
   */
  readonly demandBinds: boolean
  /** The action during the demand, which ends when this resolves. */
  during(plane: DataPlane, simulator: ProofSimulator): Promise<void>
  /** Checks made after the demand, while everything still runs. */
  afterwards?(plane: DataPlane, simulator: ProofSimulator, demand: Demand): Promise<readonly Fact[]>
}

/** Runs a data plane with the provider simulator under steady demand, and judges what was sent. */
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

/** Combines the results of concurrent runs. */
export function together(results: readonly ScenarioResult[]): ScenarioResult {
  return {
    judgedBy: results.every(({ judgedBy }) => judgedBy === 'wire') ? 'wire' : 'upstream',
    verdicts: results.flatMap(({ verdicts }) => verdicts),
    facts: results.flatMap(({ facts = [] }) => facts),
  }
}

/** Returns the window of the account's first limit, as the capacity service reports it. */
export async function windowOf({ bus }: DataPlane, account: ProofAccount): Promise<WindowStatus> {
  const { windows } = await request(bus, capacityStatus, [account.name], {})
  const [window] = windows
  if (window === undefined) throw new Error(`${account.name} has no limit`)
  return window
}
