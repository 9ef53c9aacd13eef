import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Type } from 'typebox'
import { commonSettings } from '../../common-settings.ts'
import { runService } from '../../run-service.ts'

const config = Type.Object({
  ...commonSettings,
  OUTLIVES: Type.Boolean(),
  FAILS_AT_START: Type.Boolean({ default: false }),
})

/** A service that throws, in an event and in a promise that nobody awaits, when it is asked to; it says where it listens. */
const start = async ({ FAILS_AT_START }: { FAILS_AT_START: boolean }) => {
  if (FAILS_AT_START) {
    setImmediate(() => {
      throw new Error('at start')
    })
    await new Promise(() => setInterval(() => undefined, 60_000))
  }
  const server = createServer((request, response) => {
    response.end('ok')
    if (request.url === '/throw') {
      setImmediate(() => {
        throw new Error('in an event')
      })
    }
    if (request.url === '/reject') void Promise.reject(new Error('in a promise'))
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`)
  return { stop: () => Promise.resolve() }
}

const { OUTLIVES } = process.env
await runService({ name: 'fixture', config, start, outlivesFaults: OUTLIVES === 'true' }, process.env)
