import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'

function run(env: Record<string, string>, fixture = 'waiting-service'): ChildProcessWithoutNullStreams {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'fixtures', fixture, 'main.ts')], { env })
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}

it('stops at once while it still waits for another service', async () => {
  const child = run({ NEEDED: 'yes' })
  await once(child.stdout, 'data')
  child.kill('SIGTERM')
  expect(await once(child, 'exit')).toEqual([0, null])
})

it('names the settings that are wrong, and nothing else', async () => {
  const child = run({ NATS_REPLICAS: 'many' })
  const said = child.stderr.setEncoding('utf8').toArray()
  expect(await once(child, 'exit')).toEqual([1, null])
  const lines = (await said).join('').trimEnd().split('\n')
  expect(lines[0]).toBe('fixture: a setting is missing or wrong')
  expect(lines.slice(1).toSorted()).toEqual([
    expect.stringMatching(/^NATS_REPLICAS .*integer/),
    expect.stringMatching(/^NEEDED /),
  ])
})

/** A running service that throws on request, with its output so far. */
async function startFaulty(env: Record<string, string>) {
  const child = run({ NATS_URL: 'nats://127.0.0.1:1', ...env }, 'faulty-service')
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
  }
  const written = async (pattern: RegExp): Promise<string> => {
    for (;;) {
      const found = pattern.exec(text)?.[0]
      if (found !== undefined) return found
      await Promise.race([once(child.stdout, 'data'), once(child.stderr, 'data')])
    }
  }
  const url = await written(/http:\/\/127\.0\.0\.1:\d+/)
  await written(/"ready"/)
  return { child, url, written, isAsked: (path: string) => fetch(url + path).then(({ status }) => status) }
}

describe('an uncaught exception', () => {
  it('is logged and counted by a service that outlives it, which goes on serving', async () => {
    const port = await unusedPort()
    const { isAsked, written } = await startFaulty({ OUTLIVES: 'true', METRICS_PORT: String(port) })
    const metrics = async () => (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
    expect(await metrics()).toMatch(/^sluice_unforeseen_faults_total\b.* 0$/m)
    await isAsked('/throw')
    await written(/"in an event"/)
    await isAsked('/reject')
    await written(/"in a promise"/)
    expect(await isAsked('/')).toBe(200)
    expect(await metrics()).toMatch(/^sluice_unforeseen_faults_total\b.* 2$/m)
  })

  it.each(['/throw', '/reject'])('ends a service that does not: %s', async (path) => {
    const { child, isAsked, written } = await startFaulty({ OUTLIVES: 'false' })
    const exited = once(child, 'exit')
    await isAsked(path)
    expect(await exited).toEqual([1, null])
    await written(/unforeseen fault, exiting/)
  })

  it('ends every service that has not started yet', async () => {
    const child = run({ NATS_URL: 'nats://127.0.0.1:1', OUTLIVES: 'true', FAILS_AT_START: 'true' }, 'faulty-service')
    expect(await once(child, 'exit')).toEqual([1, null])
  })
})

it('opens no debugger on SIGUSR1, and goes on', async () => {
  const { child, isAsked, written } = await startFaulty({ OUTLIVES: 'false' })
  child.kill('SIGUSR1')
  await written(/SIGUSR1 is ignored/)
  expect(await isAsked('/')).toBe(200)
  const isOpen = await fetch('http://127.0.0.1:9229/json/version').then(
    async (response) => (await response.text()).includes('node.js'),
    () => false,
  )
  expect(isOpen).toBe(false)
})

async function unusedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
