import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ConnectionView, CreatedApiKey } from '@sluice/contracts'
import { adminClient, gatewayKnows, readSettings, type Stack, startStack, until } from '@sluice/local'
import { PROJECT_DIR } from '../../shared/nats.ts'
import { ACCOUNTS, demandPerSecond } from '../accounts.ts'
import { CHAT_BODY, CHAT_HEADERS, describeStatuses, startDemand } from '../demand.ts'
import { causeFaults } from '../faults.ts'
import { judge } from '../judge.ts'
import type { Scenario, ScenarioResult } from '../scenario.ts'
import { type ProofSimulator, startProofSimulator } from '../upstreams.ts'
import { watchUpstreams } from '../watch.ts'

/** Two periods and what lies between the last kill and the end. */
const DURATION_MS = Number(process.env.DURATION_S ?? 125) * 1_000

export const kills: Scenario = {
  name: 'kills',
  about:
    'All of Sluice with four gateways and two capacity instances, each with a wall clock that is wrong by minutes, under ten times the limits for ' +
    `${DURATION_MS / 1_000} s; capacity instances, gateways and NATS are killed (\`kill -9\`) ten times in between. A request that a gateway does not ` +
    'answer goes to the next one. Where a connection has several limits, the one that binds keeps the others from being used up.',
  run: async (print) => {
    const dataDir = await mkdtemp(join(tmpdir(), 'sluice-exactness-'))
    const simulator = await startProofSimulator(ACCOUNTS.map(({ upstreamKey }) => upstreamKey))
    try {
      const tokensPerRequest = await usedTokens(simulator)
      const stack = await startStack(settings(dataDir), {
        log: (source, line) => source === 'start' && print(line),
        inherited: { PATH: process.env.PATH ?? '' },
        programOf: (service) =>
          service === 'capacity'
            ? join(import.meta.dirname, '../skewed-capacity.ts')
            : join(PROJECT_DIR, 'services', service, 'src/main.ts'),
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
  print(`Answers: ${describeStatuses(demands)}`)
  const observed = await watch.stop()
  const verdicts = ACCOUNTS.flatMap((account) =>
    judge(account, observed.departuresOf(account.upstreamKey), { tokensPerRequest, demand: { fromMs, untilMs } }),
  )
  return { judgedBy: observed.by, verdicts }
}

/** What one request uses, by the provider's own account. */
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
