import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SERVER_DEFAULT_SYNC_MS, type SyncInterval } from '@sluice/local-servers'
import { CONNECTIONS, connectionName, type PermitSource } from '../capacity/permit-source.ts'
import { sluicePermits } from '../capacity/sluice.ts'
import { closedLoop, type LoopResult, median } from '../shared/closed-loop.ts'
import { describeMachine, versionOf } from '../shared/machine.ts'
import { type BenchmarkNats, benchmarkNats, PROJECT_DIR } from '../shared/nats.ts'

// Measures the cost of NATS syncing to disk at different intervals: permits per second with the same server and each
// interval, in turn.

const INTERVALS: readonly { readonly name: string; readonly syncInterval: SyncInterval }[] = [
  { name: '2m (the server’s default)', syncInterval: SERVER_DEFAULT_SYNC_MS },
  { name: '10s', syncInterval: 10_000 },
  { name: '1s', syncInterval: 1_000 },
  { name: 'always', syncInterval: 'always' },
]

const SCENARIOS = [
  { name: 'one hot connection, 256 callers', callers: 256, connections: 1 },
  { name: `${CONNECTIONS.toLocaleString('en')} connections, 256 callers`, callers: 256, connections: CONNECTIONS },
  { name: 'one caller, idle system', callers: 1, connections: 1 },
] as const

const ROUNDS = 5
const ROUND_MS = 3_000
const WARM_UP_MS = 1_500

interface Contender {
  readonly name: string
  readonly nats: BenchmarkNats
  readonly source: PermitSource
  /** Permits that were not granted in time and acquired again. */
  refused: number
}

const contenders: Contender[] = []
for (const { name, syncInterval } of INTERVALS) {
  const nats = await benchmarkNats(syncInterval)
  contenders.push({ name, nats, source: await sluicePermits(nats.url), refused: 0 })
}

const lines = [
  '# Syncing to disk: `npm run bench:sync`',
  '',
  `${new Date().toISOString().slice(0, 10)}, ${describeMachine()}, ${versionOf(contenders[0]?.nats.serverPath ?? '')}, JetStream in files.`,
  '',
  `Each permit is reserved and settled. The median of ${ROUNDS} rounds of ${ROUND_MS / 1_000} s, all intervals in turn.`,
  '',
  '| | `sync_interval` | permits/s | p50 ms | p99 ms | permits/s vs. the default | granted only on a retry |',
  '|---|---|---|---|---|---|---|',
]

/** On a busy machine a permit may be too old when it arrives: it is acquired again, and all the time counts. */
async function takePermit(contender: Contender, connectionId: string): Promise<void> {
  for (;;) {
    try {
      return await contender.source.takePermit(connectionId)
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('not granted')) throw error
      contender.refused++
    }
  }
}

for (const { name: scenario, callers, connections } of SCENARIOS) {
  const rounds = contenders.map((): LoopResult[] => [])
  const run = (index: number, durationMs: number) => {
    const contender = contenders[index]
    if (contender === undefined) throw new RangeError(`no contender ${index}`)
    let turn = 0
    return closedLoop(callers, durationMs, () => takePermit(contender, connectionName(turn++ % connections)))
  }
  for (const index of contenders.keys()) await run(index, WARM_UP_MS)
  for (const contender of contenders) contender.refused = 0
  for (let round = 0; round < ROUNDS; round++) {
    for (const index of contenders.keys()) rounds[index]?.push(await run(index, ROUND_MS))
  }
  const medianOf = (index: number, metric: keyof LoopResult) =>
    median((rounds[index] ?? []).map((round) => round[metric]))
  for (const [index, { name }] of contenders.entries()) {
    const perSecond = medianOf(index, 'perSecond')
    const ratio = (perSecond / medianOf(0, 'perSecond')).toFixed(2)
    const latencies = `${medianOf(index, 'p50Ms').toFixed(2)} | ${medianOf(index, 'p99Ms').toFixed(2)}`
    const { refused } = contenders[index] ?? { refused: 0 }
    const count = (value: number) => Math.round(value).toLocaleString('en')
    lines.push(`| ${scenario} | ${name} | ${count(perSecond)} | ${latencies} | ${ratio} × | ${count(refused)} |`)
    console.log(lines.at(-1))
  }
}

for (const { source, nats } of contenders) {
  await source.stop()
  await nats.stop()
}
const file = join(PROJECT_DIR, 'benchmarks/results/sync.md')
await writeFile(file, `${lines.join('\n')}\n`)
console.log(`\nWritten to ${file}`)
