import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Check, checkTable, memoryChecks, processCheck } from '../shared/checks.ts'
import { closedLoop } from '../shared/closed-loop.ts'
import { describeMachine } from '../shared/machine.ts'
import { type MemorySample, memoryOf, PROBE_NODE_OPTIONS } from '../shared/memory.ts'
import { benchmarkNats, PROJECT_DIR } from '../shared/nats.ts'
import { createStarted } from '../shared/processes.ts'
import { startSimulatorProcess } from '../shared/simulator-process.ts'
import { type Sluice, startSluice } from '../shared/sluice.ts'
import { type Callers, createCallers } from './callers.ts'
import { eventChecks, permitChecks, socketChecks } from './checks.ts'
import { keepLedger, type Ledger } from './ledger.ts'
import { addControl, startTrouble } from './trouble.ts'

const DURATION_MS = Number(process.env.MINUTES ?? 10) * 60_000
const CALIBRATION_MS = 8_000
const CALIBRATION_CALLERS = 256
const MEMORY_SAMPLES = 60
/** The share of requests that fail at the provider. */
const FAILING_SHARE = 0.02
const UPSTREAM_KEY = 'sk-soak'

const started = createStarted()
try {
  const nats = await started.add(benchmarkNats())
  const simulator = await started.add(startSimulatorProcess([{ apiKey: UPSTREAM_KEY }]))
  // Slow enough that a stream can be aborted in its middle.
  await addControl(simulator.url, { chunkDelayMs: 2 })
  const sluice = await started.add(
    startSluice({
      natsUrl: nats.url,
      upstreamBaseUrl: simulator.openaiBaseUrl,
      upstreamKey: UPSTREAM_KEY,
      // Never reached; no charge leaves the day's window during the run.
      capacity: [
        { period: 'minute', requests: 1_000_000_000, tokens: 1_000_000_000_000 },
        { period: 'day', requests: 1_000_000_000, tokens: 1_000_000_000_000 },
      ],
      gatewaySettings: { UPSTREAM_FIRST_BYTE_TIMEOUT_MS: '1000', UPSTREAM_IDLE_TIMEOUT_MS: '1000', LOG_LEVEL: 'fatal' },
      gatewayNodeOptions: PROBE_NODE_OPTIONS,
    }),
  )
  const ledger = await keepLedger(sluice.bus)
  const callers = await started.add(Promise.resolve(createCallers(sluice)))

  const { perSecond: mostPerSecond } = await closedLoop(CALIBRATION_CALLERS, CALIBRATION_MS, callers.callPatiently)
  const perSecond = Math.floor(mostPerSecond / 2)
  print(`${Math.floor(mostPerSecond)} requests/s at most; ${perSecond} for ${DURATION_MS / 60_000} min`)

  const trouble = startTrouble(simulator.url, perSecond * FAILING_SHARE)
  const [samples] = await Promise.all([watchMemory(sluice), callers.callSteadily(perSecond, DURATION_MS)])
  await trouble.stop()
  await callers.stop()

  const checks = [
    ...memoryChecks(samples),
    ...(await permitChecks(sluice, ledger)),
    ...(await eventChecks(callers, ledger, await simulator.requestsSeen())),
    ...(await socketChecks(sluice, simulator.url)),
    stillRuns(sluice),
  ]
  await report(mostPerSecond, perSecond, callers, ledger, checks)
  process.exitCode = checks.every(({ holds }) => holds) ? 0 : 1
} finally {
  await started.stop()
}
process.exit()

async function watchMemory({ gateway }: Sluice): Promise<MemorySample[]> {
  const samples: MemorySample[] = []
  for (let taken = 0; taken < MEMORY_SAMPLES; taken++) {
    await sleep(DURATION_MS / MEMORY_SAMPLES)
    samples.push(await memoryOf(gateway))
  }
  return samples
}

function stillRuns({ gateway: { exitCode, signalCode } }: Sluice): Check {
  const holds = exitCode === null && signalCode === null
  return processCheck(holds ? 'it runs' : `it ended with ${exitCode ?? signalCode}`, holds)
}

async function report(
  mostPerSecond: number,
  perSecond: number,
  callers: Callers,
  ledger: Ledger,
  checks: readonly Check[],
): Promise<void> {
  const lines = [
    '# Soak: `npm run bench:soak`',
    '',
    `${new Date().toISOString().slice(0, 10)}, ${describeMachine()}. ${perSecond.toLocaleString('en')} requests a second for ${DURATION_MS / 60_000} minutes, half of`,
    `the ${Math.floor(mostPerSecond).toLocaleString('en')} requests a second that this machine serves at most with everything on it (gateway, capacity, NATS, provider simulator, callers). Half are`,
    `streamed; callers abort one in ten at a random moment; the provider fails ${FAILING_SHARE * 100} % of the requests in every way: 400, 500, 429, an error in`,
    'the stream, connections broken before and during the response, stalls before and during the response.',
    '',
    `${callers.sent.toLocaleString('en')} requests, ${callers.unresponded.toLocaleString('en')} of which ended without a response. Responses by status: ${listed(callers.byStatus)}. Outcomes by`,
    `response events: ${listed(ledger.outcomes)}.`,
    '',
    ...checkTable(checks),
  ]
  for (const line of lines.slice(2)) print(line)
  await writeFile(join(PROJECT_DIR, 'benchmarks/results/soak.md'), `${lines.join('\n')}\n`)
}

function listed(counts: ReadonlyMap<number | string, number>): string {
  return [...counts].map(([name, count]) => `${count.toLocaleString('en')} × ${name}`).join(', ')
}

function print(line: string): void {
  console.log(line)
}
