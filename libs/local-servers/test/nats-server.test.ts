import { join } from 'node:path'
import { natsServerPath, temporaryFolder } from '@sluice/testkit'
import { beforeEach, expect, it, onTestFinished } from 'vitest'
import { freePort } from '../src/free-port.ts'
import { type NatsServer, type NatsServerOptions, startNatsServer } from '../src/nats/nats-server.ts'
import { identifyProcess } from '../src/process-identity.ts'

let dataDir: string
let lines: string[]

beforeEach(async () => {
  dataDir = await temporaryFolder()
  lines = []
})

async function start(options: Partial<NatsServerOptions> = {}): Promise<NatsServer> {
  const serverPath = natsServerPath()
  const server = await startNatsServer({ serverPath, dataDir, port: 0, log: (line) => lines.push(line), ...options })
  onTestFinished(() => server.stop())
  return server
}

it('listens on loopback alone, with JetStream on disk', async () => {
  const server = await start()
  expect(lines.join('\n')).toContain(`Listening for client connections on 127.0.0.1:${server.port}`)
  expect(lines.join('\n')).toContain(`Store Directory: "${join(dataDir, 'jetstream')}"`)
})

it('takes the given port, and reports why it cannot', async () => {
  const port = await freePort()
  const first = await start({ port })
  expect(first.url).toBe(`nats://127.0.0.1:${port}`)
  const otherDir = await temporaryFolder()
  await expect(start({ port, dataDir: otherDir })).rejects.toMatchObject({
    code: 'process_failed',
    message: expect.stringMatching(/nats-server ended \(exit 1\).*address already in use/),
  })
})

it('ends a server that was left running on its folder', async () => {
  const first = await start()
  await start()
  expect(lines).toContain(`Ending the nats-server that was left running (process ${first.pid})`)
  expect(await identifyProcess(first.pid)).toBeUndefined()
})

it('says that the program cannot be run', async () => {
  await expect(start({ serverPath: join(dataDir, 'missing') })).rejects.toMatchObject({ code: 'tool_missing' })
})
