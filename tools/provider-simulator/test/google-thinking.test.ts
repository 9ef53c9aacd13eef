import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { type ProviderSimulator, startProviderSimulator } from '../src/provider-simulator.ts'

const KEY = 'AIza-test'
const HELLO = { role: 'user', parts: [{ text: 'Hello!' }] }
const SCHEMA = { type: 'object', properties: { city: { type: 'string' } } }
const THINKING = { contents: [HELLO], generationConfig: { thinkingConfig: { includeThoughts: true } } }
const TOOLS = [{ functionDeclarations: [{ name: 'get_weather', parametersJsonSchema: SCHEMA }] }]

let simulator: ProviderSimulator

beforeAll(async () => {
  simulator = await startProviderSimulator({ provider: 'google', accounts: [{ apiKey: KEY }] })
})
beforeEach(() => simulator.controls.clear())
afterAll(() => simulator.stop())

it.each([{ responseJsonSchema: SCHEMA }, { responseSchema: SCHEMA }])(
  'responds with JSON that fits %j',
  async (schema) => {
    const generationConfig = { responseMimeType: 'application/json', ...schema }
    const response = await generate('gemini-2.5-flash', { contents: [HELLO], generationConfig })
    expect(partsOf(response)).toEqual([{ text: '{"city":"simulated"}' }])
    expect(response.usageMetadata).toMatchObject({ candidatesTokenCount: 5 })
    const chunks = await stream('gemini-2.5-flash', { contents: [HELLO], generationConfig })
    expect(chunks.flatMap(partsOf).map(({ text }) => text)).toEqual(['{"city":"simulat', 'ed"}'])
  },
)

it('thinks first, whole and streamed, and counts the thoughts separately', async () => {
  const response = await generate('gemini-2.5-flash', THINKING)
  const [thought, text] = partsOf(response)
  expect(thought).toEqual({ text: expect.stringMatching(/^A simulated/), thought: true })
  expect(text).toEqual({ text: expect.stringMatching(/^This answer/), thoughtSignature: expect.any(String) })
  const usage = { candidatesTokenCount: 16, thoughtsTokenCount: 8, totalTokenCount: 26 }
  expect(response.usageMetadata).toMatchObject(usage)
  const chunks = await stream('gemini-2.5-flash', THINKING)
  const [first, ...others] = chunks.flatMap(partsOf)
  expect(first).toEqual(thought)
  expect(others.map((part) => part.text).join('')).toBe(text?.text)
  expect(others.at(-1)?.thoughtSignature).toBe(text?.thoughtSignature)
  expect(chunks.at(-1)?.usageMetadata).toMatchObject(usage)
})

it('signs its function calls, and recognizes its signature', async () => {
  simulator.controls.add({ times: 1, callTools: true })
  const asking = { ...THINKING, tools: TOOLS }
  const call = partsOf(await generate('gemini-3-pro-preview', asking)).at(-1)
  expect(call).toEqual({
    functionCall: { name: 'get_weather', args: { city: 'simulated' } },
    thoughtSignature: expect.any(String),
  })
  const response = { role: 'user', parts: [{ functionResponse: { name: 'get_weather', response: {} } }] }
  const goOn = (part: object | undefined, model = 'gemini-3-pro-preview') =>
    post(model, 'generateContent', { ...asking, contents: [HELLO, { role: 'model', parts: [part] }, response] })
  const { thoughtSignature: _, ...unsigned } = call ?? {}
  expect((await goOn(call)).status).toBe(200)
  expect((await goOn({ ...call, thoughtSignature: 'c2tpcA==' })).status).toBe(400)
  expect((await goOn({ ...call, thoughtSignature: 'skip_thought_signature_validator' })).status).toBe(200)
  const missing = await goOn(unsigned)
  expect(missing.status).toBe(400)
  expect(await missing.text()).toMatch(/missing a thought_signature .*default_api:get_weather` , position 2/)
  expect((await goOn(unsigned, 'gemini-2.5-flash')).status).toBe(200)
})

it.each([
  ['thoughts of a model that has none', 'gemini-2.0-flash', { includeThoughts: true }, /Thinking is not enabled/],
  ['a level of an older model', 'gemini-2.5-flash', { thinkingLevel: 'low' }, /Thinking level is not supported/],
  ['a level and a budget', 'gemini-3-pro-preview', { thinkingLevel: 'low', thinkingBudget: 1 }, /only one of thinking/],
  ['no thoughts of a model that always has them', 'gemini-2.5-pro', { thinkingBudget: 0 }, /Budget 0 is invalid/],
])('refuses %s', async (_, model, thinkingConfig, message) => {
  const response = await post(model, 'generateContent', { contents: [HELLO], generationConfig: { thinkingConfig } })
  expect(response.status).toBe(400)
  expect(await response.text()).toMatch(message)
})

interface Part {
  readonly text?: string
  readonly thought?: boolean
  readonly thoughtSignature?: string
}

interface Answer {
  readonly candidates: readonly { readonly content: { readonly parts: readonly Part[] } }[]
  readonly usageMetadata: unknown
}

function partsOf({ candidates }: Answer): readonly Part[] {
  return candidates[0]?.content.parts ?? []
}

async function generate(model: string, body: object): Promise<Answer> {
  return (await post(model, 'generateContent', body)).json() as Promise<Answer>
}

async function stream(model: string, body: object): Promise<Answer[]> {
  return (await post(model, 'streamGenerateContent', body)).json() as Promise<Answer[]>
}

function post(model: string, method: string, body: object): Promise<Response> {
  return fetch(`${simulator.url}/v1beta/models/${model}:${method}`, {
    method: 'POST',
    headers: { 'x-goog-api-key': KEY, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
}
