import { ConfigError } from '@sluice/service-kit'
import { readSettings } from './config.ts'
import { inheritedEnvironment } from './inherited-environment.ts'
import { createPrefixedLog } from './prefixed-log.ts'
import { serviceEnvironment } from './service-environment.ts'
import { type Stack, startStack } from './stack.ts'
import { StartError } from './start-error.ts'
import { onStopSignals } from './stop-signals.ts'
import { START } from './supervise-process.ts'
import { welcomeText } from './welcome-text.ts'

const FORCED_EXIT_CODE = 130

async function main(): Promise<void> {
  const settings = readSettings(process.env)
  const isText = settings.LOG_FORMAT === 'text'
  const log = createPrefixedLog({
    format: settings.LOG_FORMAT,
    colour: isText && process.stdout.isTTY && process.stdout.hasColors(),
    write: (text) => process.stdout.write(text),
  })
  const giveUp = new AbortController()
  let stack: Stack | undefined
  onStopSignals({
    onStop: () => {
      log(START, 'Stopping (Ctrl-C again to force)')
      giveUp.abort()
    },
    onForce: () => {
      stack?.kill()
      process.exit(FORCED_EXIT_CODE)
    },
  })
  try {
    const inherited = inheritedEnvironment(process.env)
    const extra = serviceEnvironment(process.env)
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

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

// A terminal that dies takes our output with it; everything must still be stopped.
process.stdout.on('error', () => undefined)
try {
  await main()
  process.exit(0)
} catch (error) {
  const isExpected = error instanceof StartError || error instanceof ConfigError
  console.error(isExpected ? error.message : error)
  process.exit(1)
}
