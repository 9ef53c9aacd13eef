import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { binDir } from '@sluice/local'
import { locateNatsServer } from '@sluice/local-servers'
import { describeMachine, versionOf } from '../shared/machine.ts'
import { PROJECT_DIR } from '../shared/nats.ts'
import { reportHead, reportSection } from './report.ts'
import { isProven, type Scenario } from './scenario.ts'
import { clockSteps } from './scenarios/clock-steps.ts'
import { distantNats } from './scenarios/distant-nats.ts'
import { kills } from './scenarios/kills.ts'
import { natsUnavailable } from './scenarios/nats-unavailable.ts'
import { powerFailure } from './scenarios/power-failure.ts'
import { slowHandshakes } from './scenarios/slow-handshakes.ts'
import { stoppedInstance } from './scenarios/stopped-instance.ts'
import { withheldBodies } from './scenarios/withheld-bodies.ts'

const SCENARIOS: readonly Scenario[] = [
  kills,
  slowHandshakes,
  withheldBodies,
  stoppedInstance,
  clockSteps,
  powerFailure,
  distantNats,
  natsUnavailable,
]

/** Comma-separated scenario names; unset: all. */
const wanted = process.env.SCENARIO?.split(',')
const unknown = wanted?.find((name) => SCENARIOS.every((scenario) => scenario.name !== name))
if (unknown !== undefined) {
  console.error(`There is no scenario "${unknown}". Scenarios: ${SCENARIOS.map(({ name }) => name).join(', ')}.`)
  process.exit(2)
}
/** The report's file; unset: to the results if all scenarios run, otherwise nowhere. */
const reportFile =
  process.env.REPORT_FILE ?? (wanted === undefined ? join(PROJECT_DIR, 'benchmarks/results/exactness.md') : undefined)

const date = new Date().toISOString().slice(0, 10)
const lines = reportHead(date, describeMachine(), await natsVersion())
let areAllProven = true
for (const scenario of SCENARIOS) {
  if (wanted !== undefined && !wanted.includes(scenario.name)) continue
  console.log(`\n${scenario.name}: ${scenario.about}\n`)
  const startedAtMs = performance.now()
  const elapsedS = () => ((performance.now() - startedAtMs) / 1_000).toFixed(0).padStart(4)
  try {
    const result = await scenario.run((line) => console.log(`${elapsedS()} s  ${line}`))
    const section = reportSection(scenario, result)
    for (const line of section) console.log(line)
    lines.push(...section)
    areAllProven &&= isProven(result)
  } catch (error) {
    // Run the other scenarios anyway.
    console.error(error)
    lines.push('', `## ${scenario.name}`, '', `**Failed: ${String(error)}**`)
    areAllProven = false
  }
}
if (reportFile !== undefined) await writeFile(reportFile, `${lines.join('\n')}\n`)
process.exit(areAllProven ? 0 : 1)

async function natsVersion(): Promise<string> {
  const forcedPath = process.env.SLUICE_NATS_SERVER
  const { path } = await locateNatsServer({ binDir, forcedPath, log: (line) => console.error(line) })
  return versionOf(path) ?? 'nats-server of an unknown version'
}
