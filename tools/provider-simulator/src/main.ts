import { startProviderSimulator } from './provider-simulator.ts'
import { readSettings } from './settings.ts'

try {
  const simulator = await startProviderSimulator(readSettings(process.env))
  const stop = () => {
    simulator.stop().then(
      () => process.exit(0),
      (error: unknown) => fail(error),
    )
  }
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)
  // The IPC channel closes when the parent process ends, however it ended.
  process.once('disconnect', stop)
  console.log(`provider simulator ready at ${simulator.url}`)
  process.send?.('ready')
} catch (error) {
  fail(error)
}

function fail(error: unknown): never {
  console.error(`provider simulator: ${error instanceof Error ? error.message : String(error)}`)
  process.exit(1)
}
