import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Check, checkTable, memoryChecks, processCheck, zeroCheck } from '../shared/checks.ts'
import { describeMachine } from '../shared/machine.ts'
import { PROJECT_DIR } from '../shared/nats.ts'
import { fuzz } from './fuzz.ts'

const minutes = Number(process.argv[2] ?? 10)
const seed = Number(process.argv[3] ?? Math.floor(Math.random() * 2 ** 31))
if (!(minutes > 0) || !Number.isInteger(seed)) throw new Error('usage: npm run bench:fuzz -- [minutes] [seed]')
/** Idle resident memory differs by up to 40 MiB from one round to the next, so a trend shows only over several. */
const ROUNDS = 10

console.log(`seed ${seed}, ${minutes} min`)
const result = await fuzz(seed, ROUNDS, (minutes * 60_000) / ROUNDS)
const { succeeded, failures, slowestMs } = result.canaries
const checks: Check[] = [
  processCheck(result.isAlive ? 'it runs' : 'it ended', result.isAlive),
  zeroCheck('uncaught exceptions', result.unforeseenFaults),
  zeroCheck('concurrent valid requests without the expected response', failures.length),
  zeroCheck('requests and tokens still reserved', result.reserved),
  zeroCheck('connections still open', result.openConnections),
  ...memoryChecks(result.memory),
]
const total = [...result.outcomes.values()].reduce((sum, count) => sum + count, 0)
const lines = [
  '# Fuzzing: `npm run bench:fuzz`',
  '',
  `${new Date().toISOString().slice(0, 10)}, ${describeMachine()}. ${minutes} minutes of connections with malformed and valid requests over HTTP/1.1 and`,
  `HTTP/2, seed ${seed}: ${total.toLocaleString('en')} connections. Concurrently, ${succeeded['HTTP/1.1']?.toLocaleString('en')} valid requests over HTTP/1.1 and ${succeeded['HTTP/2']?.toLocaleString('en')} over HTTP/2 got`,
  `the expected response, the slowest in ${Math.round(slowestMs).toLocaleString('en')} ms.`,
  '',
  ...checkTable(checks),
  '',
  '| first response | connections |',
  '|---|---|',
  ...[...result.outcomes]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([what, count]) => `| ${what} | ${count.toLocaleString('en')} |`),
]
for (const line of [...lines, '', ...failures.slice(0, 20)]) console.log(line)
await writeFile(join(PROJECT_DIR, 'benchmarks/results/fuzz.md'), `${lines.join('\n')}\n`)
process.exit(checks.every(({ holds }) => holds) ? 0 : 1)
