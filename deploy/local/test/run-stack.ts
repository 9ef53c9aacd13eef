import { join } from 'node:path'
import { readSettings } from '../src/config.ts'
import { startStack } from '../src/stack.ts'

// Runs a stack of fixture services on the settings in its first argument, as main.ts does, and writes its processes.
const settings = readSettings(JSON.parse(process.argv[2] ?? '{}'))
const stack = await startStack(settings, {
  log: (name, line) => console.error(`${name} | ${line}`),
  programOf: () => join(import.meta.dirname, 'service.ts'),
})
console.log(JSON.stringify(stack.processes()))
