import { monitorEventLoopDelay } from 'node:perf_hooks'
import { eventually } from '@sluice/testkit'
import { beforeAll, expect, it } from 'vitest'
import { postJson } from './support/send-request.ts'
import { startBeforeAll } from './support/start-before-all.ts'
import { startDataPath } from './support/start-data-path.ts'

let apiKey: string
let baseURL: string
let name: string

const data = startBeforeAll(startDataPath)
beforeAll(async () => {
  apiKey = data.apiKey
  const made = await data.gateway.connection({ baseUrl: data.simulator.url })
  baseURL = made.baseURL
  name = made.settings.name
  const small = '{"model":"gpt-4.1-mini","messages":[{"role":"user","content":"Hi"}]}'
  await eventually(async () => expect((await postJson(`${baseURL}/chat/completions`, apiKey, small)).status).toBe(200))
  // The thread for large bodies is there by then.
  const large = small.replace('Hi', 'x'.repeat(2_000_000))
  expect((await postJson(`${baseURL}/chat/completions`, apiKey, large)).status).toBe(200)
})

const member = (_: unknown, at: number): string => `"m${at}":0`

it.each([
  ['of empty arrays', '[],'.repeat(6_000_000), 413],
  ['of members', `{${Array.from({ length: 1_500_000 }, member)}},`, 413],
])('a body %s does not delay other requests while it is parsed', async (_, content, status) => {
  const bodyOf = (model: string) =>
    `{"model":"${model}","messages":[{"role":"user","content":"Hi"}],"metadata":[${content}0]}`
  const beganMs = performance.now()
  JSON.parse(bodyOf('m'))
  const parsedMs = performance.now() - beganMs
  for (const [url, model] of [
    [`${baseURL}/chat/completions`, 'gpt-4.1-mini'],
    [`${data.gateway.url}/v1/chat/completions`, `${name}/gpt-4.1-mini`],
  ] as const) {
    const body = bodyOf(model)
    const delay = monitorEventLoopDelay({ resolution: 1 })
    delay.enable()
    const response = await postJson(url, apiKey, body)
    delay.disable()
    expect(response.status).toBe(status)
    expect(delay.max / 1e6).toBeLessThan(20 + parsedMs / 3)
  }
})
