import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { closedLoop, type LoopResult, median } from '../shared/closed-loop.ts'
import { describeMachine, versionOf } from '../shared/machine.ts'
import { benchmarkNats, PROJECT_DIR } from '../shared/nats.ts'
import { compareAndSetPermits } from './compare-and-set.ts'
import { CONNECTIONS, connectionName, type PermitSource } from './permit-source.ts'
import { redisPermits } from './redis-sliding-window.ts'
import { sluicePermits } from './sluice.ts'

interface Scenario {
  readonly name: string
  readonly callers: number
  readonly connections: number
  readonly isReached: (result: LoopResult) => boolean
  readonly target: string
}

const SCENARIOS: readonly Scenario[] = [
  {
    name: 'one hot connection, 256 callers',
    callers: 256,
    connections: 1,
    isReached: ({ perSecond, p99Ms }) => perSecond >= 100_000 && p99Ms <= 5,
    target: '≥ 100,000/s, p99 ≤ 5 ms',
  },
  {
    name: 'one hot connection, 64 callers',
    callers: 64,
    connections: 1,
    isReached: () => true,
    target: '',
  },
  {
    name: `${CONNECTIONS.toLocaleString('en')} connections, 256 callers`,
    callers: 256,
    connections: CONNECTIONS,
    isReached: ({ perSecond }) => perSecond >= 10_000,
    target: '≥ 10,000/s',
  },
  {
    name: 'one caller, idle system',
    callers: 1,
    connections: 1,
    isReached: ({ p50Ms }) => p50Ms <= 1,
    target: 'p50 ≤ 1 ms',
  },
]

const ROUNDS = 3
const ROUND_MS = 4_000
const WARM_UP_MS = 2_000

function run(source: PermitSource, { callers, connections }: Scenario, durationMs: number): Promise<LoopResult> {
  let turn = 0
  // Round-robin, so that each connection is used as rarely as possible.
  return closedLoop(callers, durationMs, () => source.takePermit(connectionName(turn++ % connections)))
}

/**
 * Runs rounds of all sources in turn, so that disturbances of the machine affect them all; returns the medians of each.
 */
async function measure(sources: readonly PermitSource[], scenario: Scenario): Promise<LoopResult[]> {
  const rounds = sources.map((): LoopResult[] => [])
  for (const source of sources) await run(source, scenario, WARM_UP_MS)
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, source] of sources.entries()) rounds[index]?.push(await run(source, scenario, ROUND_MS))
  }
  return rounds.map((results) => ({
    perSecond: median(results.map(({ perSecond }) => perSecond)),
    p50Ms: median(results.map(({ p50Ms }) => p50Ms)),
    p99Ms: median(results.map(({ p99Ms }) => p99Ms)),
  }))
}

function row(scenario: Scenario, source: PermitSource, result: LoopResult, baseline: LoopResult): string {
  const isOurs = source.name === 'Sluice'
  const verdict =
    isOurs && scenario.target !== '' ? `${scenario.target}: ${scenario.isReached(result) ? 'reached' : 'MISSED'}` : ''
  const ratio = (result.perSecond / baseline.perSecond).toFixed(1)
  return `| ${scenario.name} | ${source.name} | ${Math.round(result.perSecond).toLocaleString('en')} | ${result.p50Ms.toFixed(2)} | ${result.p99Ms.toFixed(2)} | ${ratio} × | ${verdict} |`
}

const nats = await benchmarkNats()
const redisVersion = versionOf('redis-server')
const sources = [await compareAndSetPermits(nats.url), await sluicePermits(nats.url)]
if (redisVersion !== undefined) sources.push(await redisPermits())

const lines = [
  '# Permits: `npm run bench:capacity`',
  '',
  `${new Date().toISOString().slice(0, 10)}, ${describeMachine()}, ${versionOf(nats.serverPath)}, JetStream in files` +
    (redisVersion === undefined ? '; Redis is left out because no redis-server is installed.' : `, ${redisVersion}.`),
  '',
  `Each permit is reserved and settled. The median of ${ROUNDS} rounds of ${ROUND_MS / 1_000} s, all in turn; everything on loopback, the`,
  'callers in one process with the gateway’s permit client, the capacity service in another.',
  '',
  '| | | permits/s | p50 ms | p99 ms | vs. compare-and-set | |',
  '|---|---|---|---|---|---|---|',
]
let areAllReached = true
for (const scenario of SCENARIOS) {
  const results = await measure(sources, scenario)
  for (const [index, source] of sources.entries()) {
    const [result, baseline] = [results[index], results[0]]
    if (result === undefined || baseline === undefined) continue
    if (source.name === 'Sluice' && !scenario.isReached(result)) areAllReached = false
    lines.push(row(scenario, source, result, baseline))
    console.log(lines.at(-1))
  }
}
for (const source of sources) await source.stop()
await nats.stop()
const file = join(PROJECT_DIR, 'benchmarks/results/capacity.md')
await writeFile(file, `${lines.join('\n')}\n`)
console.log(`\nWritten to ${file}`)
process.exit(areAllReached ? 0 : 1)
