import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ConnectionView, CreatedApiKey } from '@sluice/contracts'
import { adminClient, gatewayKnows, readSettings, startStack, until } from '@sluice/local'
import { OUTPUT_TOKENS_HEADER } from '@sluice/provider-simulator'
import { describeMachine } from '../shared/machine.ts'
import { PROJECT_DIR } from '../shared/nats.ts'
import { startSimulatorProcess } from '../shared/simulator-process.ts'
import { ACCOUNTS, demandPerSecond, OUTPUT_TOKENS } from './accounts.ts'
import { startDemand } from './demand.ts'
import { causeFaults } from './faults.ts'
import { REPORT_HEAD, resultsOf } from './report.ts'

const DURATION_MS = Number(process.env.DURATION_S ?? 125) * 1_000

const body = JSON.stringify({
  model: 'gpt-4o-mini',
  max_tokens: OUTPUT_TOKENS,
  messages: [{ role: 'user', content: 'How much flows through a sluice that is open by a hand’s breadth?' }],
})
const headers = { [OUTPUT_TOKENS_HEADER]: String(OUTPUT_TOKENS) }

const dataDir = await mkdtemp(join(tmpdir(), 'sluice-exactness-'))
const simulator = await startSimulatorProcess(ACCOUNTS.map(({ upstreamKey }) => ({ apiKey: upstreamKey })))
const tokensPerRequest = await usedTokens(ACCOUNTS[0]?.upstreamKey ?? '')
await simulator.forget()

const stack = await startStack(
  readSettings({
    SLUICE_DATA_DIR: dataDir,
    GATEWAY_PORT: '0',
    ADMIN_PORT: '0',
    GATEWAY_INSTANCES: '4',
    CAPACITY_INSTANCES: '2',
    ALLOW_INSECURE_UPSTREAM: 'true',
    LOG_LEVEL: 'fatal',
  }),
  {
    log: (source, line) => source === 'start' && print(`        ${line}`),
    inherited: { PATH: process.env.PATH ?? '' },
    programOf: (service) =>
      service === 'capacity'
        ? join(import.meta.dirname, 'skewed-capacity.ts')
        : join(PROJECT_DIR, 'services', service, 'src/main.ts'),
  },
)

try {
  const admin = adminClient(stack.adminUrl, stack.operatorToken ?? '')
  for (const { name, upstreamKey, capacity } of ACCOUNTS) {
    const config = { apiKey: upstreamKey, baseUrl: simulator.openaiBaseUrl }
    await admin.post<ConnectionView>('/connections', { name, provider: 'openai', config, capacity })
  }
  const { key: apiKey } = await admin.post<CreatedApiKey>('/api-keys', { name: 'proof', connections: '*' })
  for (const gatewayUrl of stack.gatewayUrls) {
    for (const { name } of ACCOUNTS)
      await until('the connections', () => gatewayKnows(gatewayUrl, name, apiKey), Boolean)
  }

  print(`Ten times the limits for ${DURATION_MS / 1_000} s, 4 gateways, 2 capacity instances with wrong clocks:\n`)
  const startedAtMs = Date.now()
  const demands = ACCOUNTS.map((account) =>
    startDemand({
      gatewayUrls: stack.gatewayUrls,
      connection: account.name,
      apiKey,
      perSecond: demandPerSecond(account, tokensPerRequest),
      body,
      headers,
    }),
  )
  await causeFaults(stack, DURATION_MS, print)
  const endedAtMs = Date.now()
  await Promise.all(demands.map((demand) => demand.stop()))
  print(`\nAnswers: ${JSON.stringify(totalByStatus(demands.map(({ counts }) => counts.byStatus)))}\n`)
  const isProven = await report(startedAtMs, endedAtMs)
  process.exitCode = isProven ? 0 : 1
} finally {
  await stack.stop()
  await simulator.stop()
  await rm(dataDir, { recursive: true, force: true })
}
process.exit()

async function report(startedAtMs: number, endedAtMs: number): Promise<boolean> {
  const requests = await simulator.requests()
  const results = ACCOUNTS.flatMap((account) => resultsOf(account, requests, tokensPerRequest, startedAtMs, endedAtMs))
  const lines = [
    '# Exactness: `npm run bench:exactness`',
    '',
    `${new Date().toISOString().slice(0, 10)}, ${describeMachine()}. Four gateways and two capacity instances (each with a wall clock that is`,
    `wrong by minutes), ten times the limits for ${DURATION_MS / 1_000} s; capacity instances, gateways and NATS killed (\`kill -9\`) ten times in between.`,
    'A request that a gateway does not answer goes to the next one. Counted by the provider. Where a connection has several limits, the',
    'one that binds keeps the others from being used up.',
    '',
    ...REPORT_HEAD,
    ...results.map(({ row }) => row),
  ]
  for (const line of lines.slice(7)) print(line)
  await writeFile(join(PROJECT_DIR, 'benchmarks/results/exactness.md'), `${lines.join('\n')}\n`)
  return results.every(({ isProven }) => isProven)
}

/** What one request uses, by the provider's own account. */
async function usedTokens(apiKey: string): Promise<number> {
  const response = await fetch(`${simulator.openaiBaseUrl}/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json', ...headers },
    body,
  })
  const { usage } = (await response.json()) as { usage: { total_tokens: number } }
  return usage.total_tokens
}

function totalByStatus(all: readonly ReadonlyMap<number | 'no answer', number>[]): Record<string, number> {
  const total: Record<string, number> = {}
  for (const byStatus of all) {
    for (const [status, count] of byStatus) total[status] = (total[status] ?? 0) + count
  }
  return total
}

function print(line: string): void {
  console.log(line)
}
