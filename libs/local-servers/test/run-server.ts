import { startServerProcess } from '../src/server-process.ts'

// Starts the shell script in its first argument as a server, and writes its process id.
const [script = ''] = process.argv.slice(2)
const server = await startServerProcess({
  name: 'script',
  command: 'sh',
  args: ['-c', script],
  stopSignal: 'SIGTERM',
  readyLine: /^ready$/,
  readyTimeoutMs: 10_000,
  log: () => undefined,
})
process.stdout.write(`${server.pid}\n`)
