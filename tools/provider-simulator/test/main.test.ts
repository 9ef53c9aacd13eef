import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, it } from 'vitest'

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url))

let child: ChildProcess | undefined
afterEach(() => {
  child?.kill('SIGKILL')
})

it.each(['SIGTERM', 'SIGINT'] as const)('says when it is ready, serves, and stops on %s', async (signal) => {
  const { process, url } = await start()
  expect((await fetch(`${url}/v1/models`, { headers: { authorization: 'Bearer sk-simulator' } })).status).toBe(200)
  process.kill(signal)
  expect(await once(process, 'exit')).toEqual([0, null])
})

it('stops when its parent disconnects', async () => {
  const { process } = await start()
  process.disconnect()
  expect(await once(process, 'exit')).toEqual([0, null])
})

it('says in one line why it cannot start', async () => {
  const failing = spawnMain('no-port')
  const [line] = await once(createInterface({ input: failing.stderr ?? never() }), 'line')
  expect(line).toBe('provider simulator: PORT must be a number from 0 to 65535, not "no-port"')
  if (failing.exitCode === null) await once(failing, 'exit')
  expect(failing.exitCode).toBe(1)
})

async function start(): Promise<{ process: ChildProcess; url: string }> {
  const process = spawnMain('0')
  const [[message], [line]] = await Promise.all([
    once(process, 'message'),
    once(createInterface({ input: process.stdout ?? never() }), 'line'),
  ])
  expect(message).toBe('ready')
  const url = /^provider simulator ready at (http:\/\/127\.0\.0\.1:\d+)$/.exec(line)?.[1]
  return { process, url: url ?? never() }
}

function spawnMain(port: string): ChildProcess {
  child = fork(MAIN, { silent: true, env: { PATH: process.env.PATH, PORT: port } })
  return child
}

function never(): never {
  throw new Error('the program did not start as expected')
}
