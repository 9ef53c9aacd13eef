import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { CapacityLimit, ConnectionView, CreatedApiKey } from '@sluice/contracts'
import { adminClient, gatewayKnows, programPath, readSettings, type Stack, startStack, until } from '@sluice/local'
import { limitsOf, type ProofAccount } from '../accounts.ts'
import { CHAT_BODY, CHAT_HEADERS, describeStatuses, startDemand } from '../demand.ts'
import { judge } from '../judge.ts'
import { watchUpstreams } from '../observe.ts'
import type { Scenario, ScenarioResult } from '../scenario.ts'
import { type ProofSimulator, startProofSimulator } from '../upstreams.ts'

const ACCOUNTS: readonly ProofAccount[] = [
  account('requests', [{ period: 'minute', requests: 600 }]),
  account('few-requests', [{ period: 'minute', requests: 60 }]),
  account('tokens', [{ period: 'minute', tokens: 30_000 }]),
  account('both', [{ period: 'minute', requests: 500, tokens: 40_000 }]),
  account('long', [
    { period: 'minute', requests: 300 },
    { period: 'hour', requests: 500 },
    { period: 'day', tokens: 1_000_000 },
  ]),
]

function account(name: string, capacity: readonly CapacityLimit[]): ProofAccount {
  return { name: `proof-${name}`, upstreamKey: `sk-proof-${name}`, capacity }
}

/** Two periods, and the time between the last kill and the end. */
const DURATION_MS = Number(process.env.DURATION_S ?? 125) * 1_000

export const kills: Scenario = {
  name: 'kills',
  about:
    'All of Sluice with four gateways and two capacity instances, each with a wall clock that is wrong by minutes, at ten times the limits for ' +
    `${DURATION_MS / 1_000} s. Capacity instances, gateways and NATS are killed (\`kill -9\`) ten times in between. If a gateway does not respond, the ` +
    'request goes to the next one. If a connection has several limits, the binding limit keeps the others from being used up.',
  run: async (print) => {
    const dataDir = await mkdtemp(join(tmpdir(), 'sluice-exactness-'))
    const simulator = await startProofSimulator(ACCOUNTS.map(({ upstreamKey }) => upstreamKey))
    try {
      const tokensPerRequest = await usedTokens(simulator)
      const stack = await startStack(settings(dataDir), {
        log: (source, line) => source === 'start' && print(line),
        inherited: { PATH: process.env.PATH ?? '' },
        programOf: (program) =>
          program === 'capacity' ? join(import.meta.dirname, '../skewed-capacity.ts') : programPath(program),
      })
      try {
        return await underKills(stack, simulator, tokensPerRequest, print)
      } finally {
        await stack.stop()
      }
    } finally {
      await simulator.stop()
      await rm(dataDir, { recursive: true, force: true })
    }
  },
}

function settings(dataDir: string) {
  return readSettings({
    SLUICE_DATA_DIR: dataDir,
    GATEWAY_PORT: '0',
    ADMIN_PORT: '0',
    GATEWAY_INSTANCES: '4',
    CAPACITY_INSTANCES: '2',
    ALLOW_INSECURE_UPSTREAM: 'true',
    LOG_LEVEL: 'fatal',
  })
}

async function underKills(
  stack: Stack,
  simulator: ProofSimulator,
  tokensPerRequest: number,
  print: (line: string) => void,
): Promise<ScenarioResult> {
  const { gatewayUrls } = stack
  const admin = adminClient(stack.adminUrl, stack.operatorToken ?? '')
  for (const { name, upstreamKey, capacity } of ACCOUNTS) {
    const config = { apiKey: upstreamKey, baseUrl: simulator.openaiBaseUrl }
    await admin.post<ConnectionView>('/connections', { name, provider: 'openai', config, capacity })
  }
  const { key: apiKey } = await admin.post<CreatedApiKey>('/api-keys', { name: 'proof', connections: '*' })
  for (const gatewayUrl of gatewayUrls) {
    for (const { name } of ACCOUNTS)
      await until('the connections', () => gatewayKnows(gatewayUrl, name, apiKey), Boolean)
  }
  const watch = await watchUpstreams([simulator], print)
  const fromMs = Date.now()
  const demands = ACCOUNTS.map((account) => {
    const perSecond = demandPerSecond(account, tokensPerRequest)
    return startDemand({ gatewayUrls, connection: account.name, apiKey, perSecond })
  })
  await causeFaults(stack, DURATION_MS, print)
  const untilMs = Date.now()
  await Promise.all(demands.map((demand) => demand.stop()))
  print(`Responses: ${describeStatuses(demands)}`)
  const observed = await watch.stop()
  const verdicts = ACCOUNTS.flatMap((account) =>
    judge(account, observed.departuresOf(account.upstreamKey), { tokensPerRequest, demand: { fromMs, untilMs } }),
  )
  return { judgedBy: observed.by, verdicts }
}

/** Returns the tokens of one request, as the provider reports them. */
async function usedTokens(simulator: ProofSimulator): Promise<number> {
  const response = await fetch(`${simulator.openaiBaseUrl}/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ACCOUNTS[0]?.upstreamKey}`, ...CHAT_HEADERS },
    body: CHAT_BODY,
  })
  const { usage } = (await response.json()) as { usage: { total_tokens: number } }
  await simulator.forget()
  return usage.total_tokens
}

/** Returns ten times the request rate that the account's limits allow. */
function demandPerSecond(account: ProofAccount, tokensPerRequest: number): number {
  const allowed = limitsOf(account)
    .filter(({ period }) => period === 'minute')
    .map(({ metric, limit }) => (metric === 'requests' ? limit : limit / tokensPerRequest))
  return (10 * Math.min(...allowed)) / 60
}

/** The processes to kill (`kill -9`), and when, in fractions of the duration. The stack restarts each. */
const SCHEDULE: readonly { readonly at: number; readonly process: string }[] = [
  { at: 0.08, process: 'capacity-1' },
  { at: 0.18, process: 'gateway-2' },
  { at: 0.28, process: 'nats' },
  { at: 0.4, process: 'capacity-2' },
  { at: 0.5, process: 'gateway-4' },
  { at: 0.58, process: 'capacity-1' },
  { at: 0.66, process: 'capacity-2' },
  { at: 0.75, process: 'nats' },
  { at: 0.85, process: 'gateway-1' },
  { at: 0.92, process: 'capacity-1' },
]

/** Kills processes by the schedule and prints each. Resolves after `durationMs`. */
async function causeFaults(stack: Stack, durationMs: number, print: (line: string) => void): Promise<void> {
  const startedAtMs = performance.now()
  const elapsedMs = () => performance.now() - startedAtMs
  for (const fault of SCHEDULE) {
    await sleep(Math.max(0, fault.at * durationMs - elapsedMs()))
    const pid = stack.processes().find(({ name }) => name === fault.process)?.pid
    if (pid === undefined) throw new Error(`${fault.process} is not running`)
    process.kill(pid, 'SIGKILL')
    print(`kill -9 ${fault.process}`)
  }
  await sleep(Math.max(0, durationMs - elapsedMs()))
}
