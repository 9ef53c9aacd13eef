import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describeMachine } from '../shared/machine.ts'
import { PROJECT_DIR } from '../shared/nats.ts'
import { type Check, memoryChecks } from '../soak/checks.ts'
import { fuzz } from './fuzz.ts'

const minutes = Number(process.argv[2] ?? 10)
const seed = Number(process.argv[3] ?? Math.floor(Math.random() * 2 ** 31))
if (!(minutes > 0) || !Number.isInteger(seed)) throw new Error('usage: npm run bench:fuzz -- [minutes] [seed]')
/** Resident memory at rest differs by up to 40 MiB from one rest to the next: a trend shows over several only. */
const ROUNDS = 10

console.log(`seed ${seed}, ${minutes} min`)
const result = await fuzz(seed, ROUNDS, (minutes * 60_000) / ROUNDS)
const { answered, failures, slowestMs } = result.canaries
const none = (what: string, count: number): Check => ({ what: `${what}: 0`, found: String(count), holds: count === 0 })
const checks: Check[] = [
  {
    what: 'the gateway is the process that it was',
    found: result.isAlive ? 'it runs' : 'it ended',
    holds: result.isAlive,
  },
  none('exceptions that nobody caught', result.unforeseenFaults),
  none('requests beside it that were not answered properly', failures.length),
  none('requests and tokens still reserved', result.reserved),
  none('connections left open', result.openConnections),
  ...memoryChecks(result.memory),
]
const total = [...result.outcomes.values()].reduce((sum, count) => sum + count, 0)
const lines = [
  '# Fuzzing: `npm run bench:fuzz`',
  '',
  `${new Date().toISOString().slice(0, 10)}, ${describeMachine()}. ${minutes} minutes of connections with malformed and valid requests over HTTP/1.1 and`,
  `HTTP/2, seed ${seed}: ${total.toLocaleString('en')} connections. Beside them ${answered['HTTP/1.1']?.toLocaleString('en')} valid requests over HTTP/1.1 and ${answered['HTTP/2']?.toLocaleString('en')} over HTTP/2 were`,
  `answered as they should be, the slowest in ${Math.round(slowestMs).toLocaleString('en')} ms.`,
  '',
  '| after it | found | |',
  '|---|---|---|',
  ...checks.map(({ what, found, holds }) => `| ${what} | ${found} | ${holds ? 'holds' : 'MISSED'} |`),
  '',
  '| what came back first | connections |',
  '|---|---|',
  ...[...result.outcomes]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([what, count]) => `| ${what} | ${count.toLocaleString('en')} |`),
]
for (const line of [...lines, '', ...failures.slice(0, 20)]) console.log(line)
await writeFile(join(PROJECT_DIR, 'benchmarks/results/fuzz.md'), `${lines.join('\n')}\n`)
process.exit(checks.every(({ holds }) => holds) ? 0 : 1)
