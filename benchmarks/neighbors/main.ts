import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { gatewayKnows, until } from '@sluice/local'
import { freePort } from '@sluice/local-servers'
import { connectBus } from '@sluice/messaging'
import { Agent, request } from 'undici'
import { percentile } from '../shared/closed-loop.ts'
import { describeMachine } from '../shared/machine.ts'
import { benchmarkNats, PROJECT_DIR } from '../shared/nats.ts'
import { createStarted, pidOf, startProgram, startServiceProcess, stopProcess } from '../shared/processes.ts'
import { putApiKey, putProjections, serveCredentials } from '../shared/projections.ts'
import { type Sent, sendBodies } from './send-bodies.ts'
import { type WorstBody, worstBodies } from './worst-bodies.ts'

/**
 * Two tenants of one gateway: one sends the worst known bodies at 10 MB/s, the other small requests, whose latency is
 * measured. Each kind of body gets a new gateway, as its peak memory is measured too.
 */
const ATTACK_MS = Number(process.env.ROUND_S ?? 10) * 1_000
const BYTES_PER_SECOND = 10_000_000
const MAX_P99_MS = 100
const MAX_MEMORY_MB = 1_024
/** Bodies of this size are sent two at a time: more would not arrive in time. */
const LARGE_BYTES = 10_000_000
/** The interval at which the measured tenant sends a request. */
const INTERVAL_MS = 20
const BODY = '{"model":"gpt-4.1-mini","messages":[{"role":"user","content":"Say something."}]}'

interface Row {
  readonly worst: WorstBody
  readonly sent: Sent
  readonly latenciesMs: Float64Array
  readonly failures: number
  readonly memoryMb: number
}

/** The latency without a neighbor. */
const NOTHING: WorstBody = { name: 'nothing', path: '/', body: Buffer.alloc(0), parallel: 0 }

const only = process.argv[2]
const rows: Row[] = []
for (const worst of [NOTHING, ...worstBodies()]) {
  if (only !== undefined && !worst.name.includes(only)) continue
  const row = await attack(worst)
  rows.push(row)
  console.log(line(row))
}
const report = [...head(), ...rows.map(line)]
if (only === undefined) await writeFile(join(PROJECT_DIR, 'benchmarks/results/neighbors.md'), `${report.join('\n')}\n`)
process.exit(rows.every(isKept) ? 0 : 1)

async function attack(worst: WorstBody): Promise<Row> {
  const started = createStarted()
  try {
    const nats = await started.add(benchmarkNats())
    const upstreamPort = await freePort()
    await started.add(stoppable(startProgram(join(import.meta.dirname, 'upstream.ts'), { PORT: String(upstreamPort) })))
    const bus = await connectBus({ servers: nats.url, name: 'benchmark' })
    await started.add(Promise.resolve({ stop: () => bus.close() }))
    const origin = `http://127.0.0.1:${upstreamPort}`
    const account = { upstreamBaseUrl: `${origin}/v1`, upstreamKey: 'sk-of-the-account', capacity: [] }
    const connections = [
      { ...account, name: 'calm' },
      { ...account, name: 'greedy' },
      { ...account, name: 'greedy-anthropic', provider: 'anthropic' as const, upstreamBaseUrl: origin },
      { ...account, name: 'restricted', allowedModels: ['whisper-1'] },
      { ...account, name: 'full', capacity: [{ period: 'hour' as const, requests: 1 }] },
    ]
    const calmKey = await putProjections(bus, connections)
    const greedyKey = await putApiKey(bus, 'greedy')
    await started.add(serveCredentials(bus, connections))
    await started.add(stoppable(startServiceProcess('capacity', { NATS_URL: nats.url })))
    const port = await freePort()
    const settings = { NATS_URL: nats.url, GATEWAY_PORT: String(port), ALLOW_INSECURE_UPSTREAM: 'true' }
    const gateway = await started.add(stoppable(startServiceProcess('gateway', settings)))
    const gatewayUrl = `http://127.0.0.1:${port}`
    await until('the connection', () => gatewayKnows(gatewayUrl, 'full', calmKey), Boolean)

    const agent = new Agent()
    const send = async (path = '/connections/calm/v1/chat/completions'): Promise<number> => {
      const headers = { authorization: `Bearer ${calmKey}`, 'content-type': 'application/json' }
      const response = await request(`${gatewayUrl}${path}`, { dispatcher: agent, method: 'POST', headers, body: BODY })
      await response.body.dump()
      return response.statusCode
    }
    for (let warm = 0; warm < 200; warm++) await send()
    // Uses up the connection's only request.
    await send('/connections/full/v1/chat/completions')

    const stopping = new AbortController()
    const parallel = worst.parallel ?? (worst.body.length > LARGE_BYTES ? 2 : 8)
    const sending = sendBodies(worst, {
      port,
      apiKey: greedyKey,
      bytesPerSecond: BYTES_PER_SECOND,
      parallel,
      signal: stopping.signal,
    })
    const latenciesMs: number[] = []
    let failures = 0
    const requests: Promise<void>[] = []
    const endsAtMs = performance.now() + ATTACK_MS
    for (let nextMs = performance.now(); nextMs < endsAtMs; nextMs += INTERVAL_MS) {
      await sleep(Math.max(0, nextMs - performance.now()))
      // Latency counts from the due time: a gateway that blocks for a second delays all requests of that second.
      const dueMs = nextMs
      const response = send().then(
        (status) => {
          latenciesMs.push(performance.now() - dueMs)
          if (status !== 200) failures++
        },
        () => {
          failures++
        },
      )
      requests.push(response)
    }
    await Promise.all(requests)
    stopping.abort()
    const sent = await sending
    const memoryMb = peakMemoryMb(pidOf(gateway.child))
    await agent.close()
    return { worst, sent, latenciesMs: Float64Array.from(latenciesMs), failures, memoryMb }
  } finally {
    await started.stop()
  }
}

async function stoppable<Child extends Awaited<ReturnType<typeof startProgram>>>(starting: Promise<Child>) {
  const child = await starting
  return { child, stop: () => stopProcess(child) }
}

/** Returns the peak resident memory of the process. */
function peakMemoryMb(pid: number): number {
  const [, kib] = /VmHWM:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kib) / 1_024
}

function isKept({ latenciesMs, failures, memoryMb }: Row): boolean {
  return failures === 0 && percentile(latenciesMs, 0.99) < MAX_P99_MS && memoryMb < MAX_MEMORY_MB
}

function line(row: Row): string {
  const { worst, sent, latenciesMs, failures, memoryMb } = row
  const statuses = [...sent.statuses].map(([status, count]) => `${count} × ${status}`).join(', ')
  const latencies = [0.5, 0.99, 1].map((fraction) => percentile(latenciesMs, fraction).toFixed(1))
  const verdict = isKept(row) ? 'kept' : 'MISSED'
  return `| ${worst.name} | ${sent.megabytes.toFixed(0)} MB: ${statuses} | ${latencies.join(' | ')} | ${failures} | ${memoryMb.toFixed(0)} | ${verdict} |`
}

function head(): string[] {
  return [
    '# Neighbors: `npm run bench:neighbors`',
    '',
    `${new Date().toISOString().slice(0, 10)}, ${describeMachine()}.`,
    '',
    `One tenant sends the worst known bodies for ${ATTACK_MS / 1_000} s, 10 MB/s in total; another sends a request every ${INTERVAL_MS} ms, and its latency counts from when it`,
    `was due. p99 must be under ${MAX_P99_MS} ms, the gateway's peak memory under ${MAX_MEMORY_MB} MB, and no request of the other tenant may fail. Every process`,
    'runs on this one machine.',
    '',
    '| body | sent, and responses | p50 ms | p99 ms | max ms | failures | MB | |',
    '|---|---|---|---|---|---|---|---|',
  ]
}
