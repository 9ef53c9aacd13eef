import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { eventually } from '@sluice/testkit'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { freshConnection } from './support/fresh-connection.ts'
import type { Http2Flood, Http2FloodState } from './support/http2-flood.ts'
import { sendRequest } from './support/send-request.ts'
import { startBeforeAll } from './support/start-before-all.ts'
import { startDataPath } from './support/start-data-path.ts'

const MIB = 1024 * 1024
const MAX_STREAMS = 256
const PATIENT = { timeoutMs: 15_000 }

let child: ChildProcess | undefined

const data = startBeforeAll(startDataPath)
beforeAll(async () => {
  setFlagsFromString('--expose-gc')
})
afterEach(() => child?.kill('SIGKILL'))

/** Returns how many bytes are held now that came from outside. */
function heldBytes(): number {
  runInNewContext('gc')()
  return process.memoryUsage().arrayBuffers
}

function flood(options: Omit<Http2Flood, 'url' | 'sessions' | 'streamsPerSession'> & Partial<Http2Flood>) {
  const all: Http2Flood = { url: data.gateway.url, sessions: 1, streamsPerSession: MAX_STREAMS, ...options }
  let state: Http2FloodState = { sentBytes: 0, closedStreams: 0, stalledMs: 0 }
  child = fork(join(import.meta.dirname, 'support/http2-flood.ts'), [JSON.stringify(all)], { execArgv: [] })
  child.on('message', (message) => {
    state = message as Http2FloodState
  })
  return () => state
}

describe('a refused request whose client reads nothing', { timeout: 30_000 }, () => {
  const bearer = 'Bearer slc_nonsense'
  const file = { 'content-type': 'application/octet-stream' }
  it.each([
    ['without a key', '/connections/any/v1/files', file],
    ['without a key, of a known length', '/connections/any/v1/files', { ...file, 'content-length': '40000000' }],
    ['without a key, to a unified route', '/v1/chat/completions', { 'content-type': 'application/json' }],
    ['to nowhere', '/nowhere', file],
    ['without a key, short', '/connections/any/v1/files', { ...file, 'content-length': '60000' }, 30_000],
  ])(
    'leaves nothing of its body and is over within seconds: %s',
    async (_what, path, headers, bytesPerStream?: number) => {
      const before = heldBytes()
      const short = bytesPerStream === undefined ? {} : { bytesPerStream }
      const state = flood({ path, headers: { ...headers, authorization: bearer }, windowBytes: 0, ...short })
      let mostBytes = 0
      await eventually(
        () => {
          mostBytes = Math.max(mostBytes, heldBytes() - before)
          expect(state().closedStreams).toBe(MAX_STREAMS)
        },
        { timeoutMs: 15_000 },
      )
      expect(mostBytes).toBeLessThan(24 * MIB)
    },
  )
})

it('holds no more than one window of each upload that waits for its permit', { timeout: 30_000 }, async () => {
  const capacity = [{ period: 'minute' as const, requests: 60 }]
  const { settings } = await freshConnection(data.gateway, data.apiKey, { baseUrl: data.simulator.url, capacity })
  const authorization = `Bearer ${data.apiKey}`
  const path = `/connections/${settings.name}/v1`
  for (let status = 0; status !== 429; ) {
    status = (await sendRequest(`${data.gateway.url}${path}/models`, { headers: { authorization } })).status ?? 429
  }
  const headers = {
    authorization,
    'content-type': 'application/octet-stream',
    'content-length': '20000000',
    'x-sluice-max-wait': '600',
  }
  const before = heldBytes()
  const state = flood({ path: `${path}/files`, headers, sessions: 2, streamsPerSession: 100, windowBytes: 65_535 })
  await eventually(() => expect(state().sentBytes).toBeGreaterThan(8 * MIB))
  await eventually(() => expect(state().stalledMs).toBeGreaterThan(1_000), PATIENT)
  expect(heldBytes() - before).toBeLessThan(200 * 128 * 1024)
})
