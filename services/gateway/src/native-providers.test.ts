import Anthropic from '@anthropic-ai/sdk'
import { GoogleGenerativeAI } from '@google/generative-ai'
import { CapacityConfig, start as startCapacity } from '@sluice/capacity'
import type { ProviderId } from '@sluice/contracts'
import type { ProviderSimulator } from '@sluice/provider-simulator'
import { createLogger, readConfig, type Service } from '@sluice/service-kit'
import { eventually, type TestNats, testNats, testSimulator } from '@sluice/testkit'
import Groq from 'groq-sdk'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startGateway, type TestGateway } from './testing/start-gateway.ts'

/** The official SDKs of the providers that are passed through besides OpenAI, plain and streamed, with their usage. */
const PROMPT = 'What does a sluice do?'
let nats: TestNats
let capacity: Service
let gateway: TestGateway
let apiKey: string
const simulators: ProviderSimulator[] = []

beforeAll(async () => {
  nats = await testNats()
  capacity = await startCapacity(readConfig(CapacityConfig, { NATS_URL: nats.url }), createLogger('capacity', 'silent'))
  gateway = await startGateway({ natsUrl: nats.url })
  apiKey = await gateway.apiKey()
})

afterAll(async () => {
  await gateway?.stop()
  for (const simulator of simulators) await simulator.stop()
  await capacity?.stop()
  await nats?.stop()
})

/** A connection to a simulated provider; gives the SDKs' base URL, and what its events told of usage. */
async function connectionTo(provider: Exclude<ProviderId, 'openai' | 'aws-bedrock'>) {
  const simulator = await testSimulator({ provider, accounts: [{ apiKey: 'sk-upstream' }] })
  simulators.push(simulator)
  const { settings } = await gateway.connection({
    provider,
    baseUrl: simulator.url,
    capacity: [{ period: 'hour', requests: 2 }],
  })
  const baseURL = `${gateway.url}/connections/${settings.name}`
  await eventually(async () => {
    const answer = await fetch(`${baseURL}/no-such-path`, { headers: { authorization: `Bearer ${apiKey}` } })
    expect(answer.status).toBe(404)
    expect(await answer.text()).not.toContain('There is no connection')
  })
  const usage = () =>
    gateway.events.filter(({ connectionId }) => connectionId === settings.id).map((event) => event.usage?.outputTokens)
  return { baseURL, usage, simulator }
}

it('anthropic', async () => {
  const { baseURL, usage } = await connectionTo('anthropic')
  const client = new Anthropic({ apiKey, baseURL, maxRetries: 0 })
  const request = { model: 'claude-sonnet-4-6', max_tokens: 40, messages: [{ role: 'user' as const, content: PROMPT }] }
  const plain = await client.messages.create(request)
  const streamed = await client.messages.stream(request).finalMessage()
  expect(streamed.content).toEqual(plain.content)
  await eventually(() => expect(usage()).toEqual([plain.usage.output_tokens, streamed.usage.output_tokens]))
  await expect(client.messages.create(request)).rejects.toBeInstanceOf(Anthropic.RateLimitError)
})

it('groq', async () => {
  const { baseURL, usage } = await connectionTo('groq')
  const client = new Groq({ apiKey, baseURL, maxRetries: 0 })
  const request = {
    model: 'llama-3.3-70b-versatile',
    max_tokens: 40,
    messages: [{ role: 'user' as const, content: PROMPT }],
  }
  const plain = await client.chat.completions.create(request)
  let text = ''
  for await (const chunk of await client.chat.completions.create({ ...request, stream: true })) {
    text += chunk.choices[0]?.delta.content ?? ''
  }
  expect(text).toBe(plain.choices[0]?.message.content)
  const output = plain.usage?.completion_tokens
  await eventually(() => expect(usage()).toEqual([output, output]))
  await expect(client.chat.completions.create(request)).rejects.toBeInstanceOf(Groq.RateLimitError)
})

it('google', async () => {
  const { baseURL, usage } = await connectionTo('google')
  const client = new GoogleGenerativeAI(apiKey)
  const model = client.getGenerativeModel({ model: 'gemini-2.5-flash' }, { baseUrl: baseURL })
  const plain = await model.generateContent(PROMPT)
  const streamed = await (await model.generateContentStream(PROMPT)).response
  expect(streamed.text()).toBe(plain.response.text())
  const output = plain.response.usageMetadata?.candidatesTokenCount
  await eventually(() => expect(usage()).toEqual([output, output]))
  await expect(model.generateContent(PROMPT)).rejects.toMatchObject({ status: 429 })
})

it('google’s pause, which its 429 tells in the body, is met once and not by every request', async () => {
  const { baseURL, simulator } = await connectionTo('google')
  const model = new GoogleGenerativeAI(apiKey).getGenerativeModel({ model: 'gemini-2.5-flash' }, { baseUrl: baseURL })
  simulator.controls.add({ times: 1, fault: { kind: 'rate-limit', retryAfterMs: 30_000 } })
  await expect(model.generateContent(PROMPT)).rejects.toMatchObject({ status: 429 })
  await eventually(async () => {
    await expect(model.generateContent(PROMPT)).rejects.toThrow(/The provider asked for a pause/)
  })
  expect(simulator.requests.counts().byStatus[429]).toBe(1)
})
