import type { ServerResponse } from 'node:http'
import { providerAdapter } from '@sluice/providers'
import { eventually } from '@sluice/testkit'
import OpenAI from 'openai'
import { beforeAll, beforeEach, expect, it } from 'vitest'
import { type FreshConnection, freshConnection } from './support/fresh-connection.ts'
import { startRawUpstream } from './support/raw-upstream.ts'
import { startBeforeAll } from './support/start-before-all.ts'
import { startDataPath } from './support/start-data-path.ts'

/** A server with the requests and responses of Azure's v1 API: its key in `api-key`, its limits in headers of its own. */
let received: (string | undefined)[][]
let connection: FreshConnection
let throttle: Readonly<Record<string, string>> | undefined

const DEPLOYMENT = 'team-gpt-4.1'
const COMPLETION = {
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1_760_000_000,
  model: 'gpt-4.1-2025-04-14',
  choices: [{ index: 0, message: { role: 'assistant', content: 'A gate.', refusal: null }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 11, completion_tokens: 3, total_tokens: 14 },
}

const data = startBeforeAll(startDataPath)
const azure = startBeforeAll(startRawUpstream)
beforeAll(async () => {
  azure.respond = ({ method, url, headers }, response) => {
    received.push([`${method} ${url}`, headers.authorization, String(headers['api-key'])])
    if (headers['api-key'] !== 'azure-key-0123456789') {
      return json(response, 401, { error: { code: '401', message: 'Access denied due to invalid subscription key.' } })
    }
    if (throttle !== undefined) {
      for (const [name, value] of Object.entries(throttle)) response.setHeader(name, value)
      return json(response, 429, { error: { code: 'RateLimitReached', message: 'Please retry after 45 seconds.' } })
    }
    response.setHeader('x-ratelimit-limit-requests', '240').setHeader('x-ratelimit-remaining-requests', '239')
    response.setHeader('x-ratelimit-reset-requests', '250').setHeader('x-ratelimit-renewalperiod-requests', '60')
    json(response, 200, COMPLETION)
  }
})
beforeEach(async () => {
  received = []
  throttle = undefined
  connection = await freshConnection(data.gateway, data.apiKey, {
    baseUrl: azure.url,
    apiKey: 'azure-key-0123456789',
    config: { baseUrl: `${azure.url}/openai/v1`, apiKeyHeader: 'api-key' },
  })
})

const client = (baseURL = `${connection.baseURL}/v1`) => new OpenAI({ apiKey: data.apiKey, baseURL, maxRetries: 0 })
const send = (sdk: OpenAI, model: string) =>
  sdk.chat.completions.create({ model, messages: [{ role: 'user', content: 'What is a sluice?' }] })

it('gets its key in the header api-key only, from the native and the unified endpoint', async () => {
  expect((await send(client(), DEPLOYMENT)).choices[0]?.message.content).toBe('A gate.')
  const unified = client(`${data.gateway.url}/v1`)
  expect((await send(unified, `${connection.settings.name}/${DEPLOYMENT}`)).usage?.total_tokens).toBe(14)
  const sent = ['POST /openai/v1/chat/completions', undefined, 'azure-key-0123456789']
  expect(received).toEqual([sent, sent])
  await connection.isCharged({ requests: 2, tokens: 28 })
})

it('has its rate-limit headers recorded for discovery, including the window', async () => {
  await send(client(), DEPLOYMENT)
  const { rateLimitHeaders = {} } = await connection.ended('success')
  expect(providerAdapter('openai').rateLimits(rateLimitHeaders, 0)).toEqual([
    { dimension: 'requests', periodMs: 60_000, limit: 240, remaining: 239, resetMs: 250 },
  ])
})

it('cools down for as long as its retry-after says, whatever its retry-after-ms says', async () => {
  throttle = { 'retry-after-ms': '0', 'retry-after': '45' }
  await expect(send(client(), DEPLOYMENT)).rejects.toBeInstanceOf(OpenAI.RateLimitError)
  await eventually(async () => {
    const [coolDown] = await connection.coolDowns()
    expect(coolDown?.remainingMs).toBeGreaterThan(30_000)
    expect(coolDown?.remainingMs).toBeLessThanOrEqual(45_000)
  })
})

function json(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
