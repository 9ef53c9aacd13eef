import { randomBytes } from 'node:crypto'
import { Agent, type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import type { ConnectionView } from '@sluice/contracts'
import type { RequestRecord } from '@sluice/provider-simulator'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { type System, startSystem } from './start-system.ts'

/** At least; a rotation is waited for however many that takes. */
const REQUESTS = 3_000
const ROTATIONS = 20
const CALLERS = 24
/** The time for which the old credential may still be used after the last gateway has the new one. */
const GRACE_MS = 1_000
/**
 * The time until every gateway must use the new credential, from the admin API's response: generous, for a busy
 * machine.
 */
const SPREAD_MS = 2_000
/** Each gateway is sent its own model, so that the provider's records distinguish them. */
const MODELS = ['gpt-4o', 'gpt-4o-mini'] as const
const SLOW_STREAMS = { chunkDelayMs: 20, pathPrefix: '/v1/responses' }

let system: System
let agent: Agent

beforeEach(async () => {
  system = await startSystem({ gateways: MODELS.length, capacities: 1, logLevel: 'warn' })
  agent = new Agent({ keepAlive: true })
})
afterEach(async () => {
  agent.destroy()
  await system.stop()
})

it('none of thousands of requests fails during 20 rotations, and the old credential is soon no longer used', async () => {
  const { id, apiKey } = await system.connect('rotated', [{ period: 'minute', requests: 1_000_000 }])
  const keys = [system.upstreamKey, ...Array.from({ length: ROTATIONS }, newKey)]
  system.simulator.controls.add(SLOW_STREAMS)
  const load = startLoad('rotated', apiKey)

  const revocations: Promise<void>[] = []
  const lastFirstUseAtMs: number[] = [0]
  for (const [index, key] of keys.entries()) {
    if (index === 0) continue
    await vi.waitFor(() => expect(load.ended()).toBeGreaterThanOrEqual((index / (ROTATIONS + 1)) * REQUESTS), LONG)
    expect(load.failures).toEqual([])
    system.simulator.accounts.register({ apiKey: key })
    const config = { apiKey: key }
    const { credential } = await system.admin.post<ConnectionView>(`/connections/${id}/rotate`, { config })
    expect(credential?.version).toBe(index + 1)
    const firstUseAtMs = await vi.waitFor(() => usedByEveryGateway(key), { timeout: SPREAD_MS })
    lastFirstUseAtMs.push(firstUseAtMs)
    revocations.push(revokeAfter(GRACE_MS, keys[index - 1] ?? ''))
  }
  await vi.waitFor(() => expect(load.ended()).toBeGreaterThanOrEqual(REQUESTS), LONG)
  await Promise.all(revocations)
  await load.stop()

  expect(load.failures).toEqual([])
  const records = system.simulator.requests.list().filter(isOfLoad)
  expect(records.length).toBeGreaterThanOrEqual(REQUESTS)
  expect(records).toHaveLength(load.ended())
  for (const { apiKey: used = '', arrivedAtMs } of records) {
    const version = keys.indexOf(used)
    expect(version).toBeGreaterThanOrEqual(0)
    const successorFirstUseAtMs = lastFirstUseAtMs[version + 1] ?? Number.POSITIVE_INFINITY
    expect(arrivedAtMs).toBeLessThanOrEqual(successorFirstUseAtMs + GRACE_MS)
  }
  for (const key of keys) expect(records.some(({ apiKey: used }) => used === key)).toBe(true)
}, 240_000)

const LONG = { timeout: 60_000 }

function newKey(): string {
  return `sk-upstream-${randomBytes(18).toString('base64url')}`
}

/** Returns when the last gateway first used `key`, Unix milliseconds. @throws while a gateway has not */
function usedByEveryGateway(key: string): number {
  const used = system.simulator.requests.list(key).filter(isOfLoad)
  const firsts = MODELS.map((model) => used.find((record) => record.model === model)?.arrivedAtMs)
  return Math.max(...firsts.map((first) => first ?? expect.fail('a gateway does not use the new credential')))
}

/** Returns true for an application's request, false for a test of the credential. */
function isOfLoad({ path }: RequestRecord): boolean {
  return path === '/v1/chat/completions' || path === '/v1/responses'
}

/** Revokes the old key at the provider, as an operator does when the new one is in use. */
async function revokeAfter(ms: number, key: string): Promise<void> {
  await delay(ms)
  system.simulator.accounts.remove(key)
}

/**
 * Starts callers that send requests continuously to each gateway in turn, most with short responses and some with a
 * stream of half a second.
 */
function startLoad(connection: string, apiKey: string) {
  const failures: string[] = []
  let ended = 0
  let isOver = false
  const caller = async (index: number): Promise<void> => {
    const isStreamed = index % 6 === 0
    for (let turn = index; !isOver; turn++) {
      const gateway = turn % MODELS.length
      const failure = await call({ connection, apiKey, gateway, isStreamed }).catch(String)
      if (failure !== undefined) failures.push(failure)
      ended++
    }
  }
  const callers = Array.from({ length: CALLERS }, (_, index) => caller(index))
  return {
    ended: () => ended,
    /** The failures so far. */
    failures,
    stop: async () => {
      isOver = true
      await Promise.all(callers)
    },
  }
}

interface LoadCall {
  readonly connection: string
  readonly apiKey: string
  readonly gateway: number
  readonly isStreamed: boolean
}

/** Sends a request; returns what is wrong with its response, or undefined if it is complete and successful. */
async function call({ connection, apiKey, gateway, isStreamed }: LoadCall): Promise<string | undefined> {
  const url = `${system.stack.gatewayUrls[gateway]}/connections/${connection}/v1`
  const model = MODELS[gateway]
  const [path, body, ending] = isStreamed
    ? ['/responses', { model, input: 'Hello', stream: true }, 'response.completed']
    : ['/chat/completions', { model, messages: [{ role: 'user', content: 'Hello' }] }, '"total_tokens"']
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' }
    const sending = request(url + path, { method: 'POST', agent, headers }, resolve)
    sending.on('error', reject)
    sending.end(JSON.stringify(body))
  })
  const received = await text(response)
  return response.statusCode === 200 && received.includes(ending) ? undefined : `${response.statusCode}: ${received}`
}
