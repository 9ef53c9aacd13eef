import { StartError } from '@sluice/local-servers'
import { ConfigError } from '@sluice/service-kit'
import { readSettings } from './config.ts'
import { createPrefixedLog } from './log.ts'
import { inheritedEnvironment, serviceEnvironments } from './service-environment.ts'
import { type Stack, startStack } from './stack.ts'
import { aborted, onStopSignals } from './stop.ts'
import { START } from './supervise.ts'
import { welcomeText } from './welcome-text.ts'

const FORCED_EXIT_CODE = 130

async function main(): Promise<void> {
  const settings = readSettings(process.env)
  const isText = settings.LOG_FORMAT === 'text'
  const log = createPrefixedLog({
    format: settings.LOG_FORMAT,
    color: isText && process.stdout.isTTY && process.stdout.hasColors(),
    write: (text) => process.stdout.write(text),
  })
  const giveUp = new AbortController()
  let stack: Stack | undefined
  onStopSignals({
    onStop: () => {
      log(START, 'Stopping (press Ctrl-C again to force)')
      giveUp.abort()
    },
    onForce: () => {
      stack?.kill()
      process.exit(FORCED_EXIT_CODE)
    },
  })
  try {
    const inherited = inheritedEnvironment(process.env)
    const extra = serviceEnvironments(process.env)
    stack = await startStack(settings, { log, inherited, extra, signal: giveUp.signal })
    if (isText) process.stdout.write(welcomeText(stack))
    else log(START, `Ready: admin API ${stack.adminUrl}, gateway ${stack.gatewayUrls.join(' ')}`)
  } catch (error) {
    if (!giveUp.signal.aborted) throw error
  }
  await aborted(giveUp.signal)
  await stack?.stop()
  log(START, 'Stopped')
}

// When the terminal closes, our output has nowhere to go; everything must still be stopped.
process.stdout.on('error', () => undefined)
try {
  await main()
  process.exit(0)
} catch (error) {
  const isExpected = error instanceof StartError || error instanceof ConfigError
  console.error(isExpected ? error.message : error)
  process.exit(1)
}
