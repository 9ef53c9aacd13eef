import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort } from '@sluice/local-servers'
import { describeMachine, versionOf } from '../shared/machine.ts'
import { benchmarkNats, PROJECT_DIR } from '../shared/nats.ts'
import { createStarted, startProgram, stopProcess } from '../shared/processes.ts'
import { CHAT_KINDS, faultOf } from './chat.ts'
import {
  PORTKEY_PACKAGE,
  startBareProxy,
  startPortkey,
  startSluiceContender,
  type UpstreamAddress,
} from './contenders.ts'
import { measure } from './measure.ts'
import { areTargetsReached, type KindResult, REPORT_HEAD, rowsOf } from './report.ts'

const ROUND_MS = Number(process.env.ROUND_S ?? 4) * 1_000
const OPTIONS = { callers: 64, rounds: 5, roundMs: ROUND_MS, warmUpMs: ROUND_MS }

const started = createStarted()
try {
  const nats = await started.add(benchmarkNats())
  const upstream = await started.add(startUpstream())
  const bare = await started.add(startBareProxy(upstream))
  const sluice = await started.add(startSluiceContender(nats.url, upstream))
  const portkey = await startPortkey(upstream)
  if (portkey !== undefined) await started.add(Promise.resolve(portkey))

  const lines = [...headOf(versionOf(nats.serverPath)), ...REPORT_HEAD]
  const results: KindResult[] = []
  for (const kind of CHAT_KINDS) {
    const portkeyFault = portkey === undefined ? 'could not be installed' : await faultOf(portkey, kind)
    const contenders = portkey === undefined || portkeyFault !== undefined ? [bare, sluice] : [bare, sluice, portkey]
    const [ofBare, ofSluice, ofPortkey] = await measure(contenders, kind, OPTIONS)
    if (ofBare === undefined || ofSluice === undefined) throw new Error('a contender was not measured')
    const result = { kind: kind.name, bare: ofBare, sluice: ofSluice, portkey: ofPortkey, portkeyFault }
    const rows = rowsOf(result, PORTKEY_PACKAGE)
    console.log(rows.join('\n'))
    lines.push(...rows)
    results.push(result)
  }
  const file = join(PROJECT_DIR, 'benchmarks/results/gateway.md')
  await writeFile(file, `${lines.join('\n')}\n`)
  console.log(`\nWritten to ${file}`)
  process.exitCode = areTargetsReached(results) ? 0 : 1
} finally {
  await started.stop()
}
process.exit()

async function startUpstream(): Promise<UpstreamAddress & { stop(): Promise<void> }> {
  const port = await freePort()
  const apiKey = `sk-${randomBytes(24).toString('hex')}`
  const child = await startProgram(join(import.meta.dirname, 'upstream.ts'), { PORT: String(port), API_KEY: apiKey })
  return { origin: `http://127.0.0.1:${port}`, apiKey, stop: () => stopProcess(child) }
}

function headOf(natsVersion: string | undefined): string[] {
  const { callers, rounds, roundMs } = OPTIONS
  return [
    '# Gateway: `npm run bench:gateway`',
    '',
    `${new Date().toISOString().slice(0, 10)}, ${describeMachine()}, ${natsVersion}.`,
    '',
    `Chat completions, plain (1 kB) and streamed (30 events, each a separate write), from ${callers} concurrent callers to the same upstream, which`,
    `responds at once. Medians of ${rounds} rounds of ${roundMs / 1_000} s, all in turn. Every process (callers, proxy, upstream; for Sluice also capacity and`,
    'NATS) runs on this one machine, so the CPU time of the proxy’s own process is the best comparison. Sluice runs with everything on:',
    'key check, permit, settlement, response event, usage requested and read in streams; one connection whose limits are not reached.',
    'Many small writes cost every proxy about the same: where the bare proxy itself is below a rate, no proxy in Node reaches it here.',
    '',
  ]
}
