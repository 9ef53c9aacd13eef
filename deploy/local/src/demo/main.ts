import { randomBytes } from 'node:crypto'
import { parseArgs } from 'node:util'
import { StartError } from '@sluice/local-servers'
import { startProviderSimulator } from '@sluice/provider-simulator'
import { ConfigError } from '@sluice/service-kit'
import { adminClient } from '../client.ts'
import { readSettings } from '../config.ts'
import { createPrefixedLog } from '../log.ts'
import { inheritedEnvironment } from '../service-environment.ts'
import { startStack } from '../stack.ts'
import { aborted, onStopSignals } from '../stop.ts'
import { welcomeText } from '../welcome-text.ts'
import { DEMO_NAME, runDemo } from './demo.ts'

const print = (text: string): void => console.log(text)

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { once: { type: 'boolean', default: false } } })
  const settings = readSettings({
    LOG_LEVEL: 'warn',
    SLUICE_DATA_DIR: '.sluice/demo',
    ...process.env,
    ALLOW_INSECURE_UPSTREAM: 'true',
  })
  const giveUp = new AbortController()
  onStopSignals({ onStop: () => giveUp.abort(), onForce: () => process.exit(130) })

  const upstreamKey = `sk-demo-${randomBytes(24).toString('base64url')}`
  const limits = { requests: { limit: 500, period: 'minute' }, tokens: { limit: 200_000, period: 'minute' } } as const
  const simulator = await startProviderSimulator({ accounts: [{ apiKey: upstreamKey, limits }] })
  const log = createPrefixedLog({
    format: settings.LOG_FORMAT,
    color: process.stdout.isTTY && process.stdout.hasColors(),
    write: (text) => process.stdout.write(text),
  })
  print('Starting PostgreSQL, NATS, every service, and a simulated provider …\n')
  const inherited = inheritedEnvironment(process.env)
  const stack = await startStack(settings, { log, inherited, signal: giveUp.signal })
  try {
    const [gatewayUrl = ''] = stack.gatewayUrls
    if (stack.operatorToken === undefined) {
      throw new StartError('process_failed', `There is no operator token in ${stack.paths.operatorTokenFile}.`)
    }
    const isAsExpected = await runDemo({
      admin: adminClient(stack.adminUrl, stack.operatorToken),
      gatewayUrl,
      upstream: { baseUrl: simulator.openaiBaseUrl, apiKey: upstreamKey },
      print,
    })
    if (values.once) return isAsExpected ? 0 : 1
    print(`\n  The connection "${DEMO_NAME}" and the simulated provider (${simulator.url}) keep running as well.`)
    print(welcomeText(stack))
    await aborted(giveUp.signal)
    return 0
  } finally {
    await stack.stop()
    await simulator.stop()
  }
}

try {
  process.exit(await main())
} catch (error) {
  console.error(error instanceof StartError || error instanceof ConfigError ? error.message : error)
  process.exit(1)
}
